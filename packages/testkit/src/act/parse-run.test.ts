import { describe, expect, it } from "vitest";
import { parseRun } from "./parse-run.ts";

const lines = (...all: readonly object[]): string => all.map((one) => JSON.stringify(one)).join("\n");
const same = (text: string): string => text;
const MAIN = { job: "W/a", jobID: "a", stage: "Main", step: "Say", stepID: ["say"] };

describe("parseRun", () => {
  it("gathers a step's outputs, summary, annotations and log", () => {
    const { jobs, conclusion } = parseRun(
      lines(
        { ...MAIN, raw_output: true, msg: "hello\n" },
        { ...MAIN, command: "warning", arg: "look", kvPairs: { file: "a.ts", line: "3" }, msg: "::warning::look" },
        { ...MAIN, stepResult: "success" },
        { ...MAIN, command: "set-output", name: "x", arg: "1" },
        { ...MAIN, command: "summary", content: "# S\n" },
        { job: "W/a", jobID: "a", jobResult: "success" },
      ),
      same,
    );
    expect(conclusion).toBe("success");
    expect(jobs[0]?.steps).toEqual([
      {
        id: "say",
        name: "Say",
        stage: "Main",
        result: "success",
        outputs: { x: "1" },
        summary: "# S\n",
        annotations: [{ level: "warning", message: "look", file: "a.ts", line: 3 }],
        log: "hello\n",
      },
    ]);
  });

  it("keeps the main and the post part of a step, and the jobs of a matrix, apart", () => {
    const { jobs } = parseRun(
      lines(
        { ...MAIN, stepResult: "success" },
        { ...MAIN, stage: "Post", stepResult: "failure" },
        { ...MAIN, job: "W/a-2", stepResult: "success" },
      ),
      same,
    );
    expect(jobs.map((job) => job.steps.map((step) => `${step.stage} ${step.result}`))).toEqual([
      ["Main success", "Post failure"],
      ["Main success"],
    ]);
  });

  it("masks secrets in what act leaves open", () => {
    const masked = parseRun(
      lines({ ...MAIN, command: "set-output", name: "x", arg: "s3cret" }, { msg: "s3cret" }),
      (text) => text.replaceAll("s3cret", "***"),
    );
    expect(JSON.stringify(masked)).not.toContain("s3cret");
  });

  it("is no success when a job failed, was never ended well, or there is none", () => {
    expect(parseRun("", same).conclusion).toBe("failure");
    expect(parseRun("not json\n", same)).toMatchObject({ conclusion: "failure", rest: "not json" });
    const job = { job: "W/a", jobID: "a" };
    expect(parseRun(lines({ ...job, jobResult: "failure" }), same).conclusion).toBe("failure");
    expect(
      parseRun(lines({ ...job, jobResult: "success" }, { ...job, job: "W/b", msg: "left out" }), same).conclusion,
    ).toBe("success");
  });
});
