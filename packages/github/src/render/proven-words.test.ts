import { type DeploymentReport, Redactor, type RunningService, type ServiceChange } from "@belay/core";
import { SAMPLE_REPORTS } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { renderComment } from "./render-comment.ts";
import { renderSummary } from "./render-summary.ts";

const context = { redactor: new Redactor() };

type Counts = readonly (readonly [service: string, ready: number, desired: number])[];

/** `report` with these services read back. Those named `migrate` run once. */
function withRunning(report: DeploymentReport, counts: Counts): DeploymentReport {
  const [running] = report.running;
  const [change] = report.changes;
  if (running === undefined || change === undefined) throw new Error("the sample has no service");
  return {
    ...report,
    running: counts.map(([service, ready, desired]): RunningService => ({ ...running, service, ready, desired })),
    changes: counts.map(([service]): ServiceChange => {
      return { ...change, service, goal: service === "migrate" ? "complete" : "run" };
    }),
  };
}

/** The line that says what became of the target; the comment and the summary say the same. */
function lead(report: DeploymentReport): string {
  const leadOf = (text: string) => text.split("\n").find((line) => line.startsWith("Deployment 12 ")) ?? "";
  const comment = leadOf(renderComment(report, context));
  expect(leadOf(renderSummary(report, context))).toBe(comment);
  return comment;
}

const BACK = "Deployment 11 (commit `41d05c0f9e8d`)";

describe("a way back", () => {
  it.each<[string, Counts, string]>([
    ["all of it is ready", [["web", 3, 3]], `${BACK} was proven healthy.`],
    [
      "what ran once has ended",
      [
        ["web", 3, 3],
        ["migrate", 0, 1],
      ],
      `${BACK} was proven healthy.`,
    ],
    [
      "it was scaled to 0",
      [["web", 0, 0]],
      `${BACK} is back, and nothing shows that it is healthy: \`web\` (no instance is to run).`,
    ],
    [
      "it was ill before",
      [["web", 0, 3]],
      `${BACK} is back, and nothing shows that it is healthy: \`web\` (0 of 3 instances ready).`,
    ],
    [
      "a part of it was scaled to 0, and one ill in part",
      [
        ["web", 3, 3],
        ["worker", 0, 0],
        ["api", 1, 2],
      ],
      `${BACK} was proven healthy, except \`worker\` (no instance is to run), \`api\` (1 of 2 instances ready).`,
    ],
    ["nothing was there", [], "Nothing of this application runs now."],
  ])("claims no more than what was read back: %s", (_, counts, words) => {
    expect(lead(withRunning(SAMPLE_REPORTS.rolled_back, counts))).toBe(
      `Deployment 12 was taken off again, 1.8 s after it was found bad. ${words}`,
    );
  });

  it("claims no more of what a superseded release gave way to", () => {
    const supersededBy = { run: "43", source: SAMPLE_REPORTS.rolled_back.release.source };
    const cause = { cause: "superseded" } as const;
    const report = { ...SAMPLE_REPORTS.rolled_back, outcome: "superseded", cause, supersededBy } as const;
    expect(lead(withRunning(report, [["web", 0, 2]]))).toContain(
      `says nothing against it. ${BACK} is back, and nothing shows that it is healthy`,
    );
    expect(lead(withRunning(report, [["web", 2, 2]]))).toContain(`${BACK} was proven healthy.`);
  });

  it("names a few services of many", () => {
    const counts = Array.from({ length: 9 }, (_, at) => [`s${at}`, 0, 0] as const);
    expect(lead(withRunning(SAMPLE_REPORTS.rolled_back, counts))).toMatch(
      /`s4` \(no instance is to run\) and 4 more\.$/,
    );
  });
});

describe("a release of which nothing runs", () => {
  const idle: Counts = [["agent", 0, 0]];
  const firstLine = (report: DeploymentReport) => renderComment(report, context).split("\n")[0];

  it.each([
    ["succeeded", "is in place, and nothing shows", "Deployed, nothing of it runs now"],
    [
      "unchanged",
      "is what was there already; nothing was touched, and nothing shows",
      "Already in place, nothing of it runs now",
    ],
  ] as const)("is not called healthy when it ended %s", (outcome, words, headline) => {
    const report = withRunning({ ...SAMPLE_REPORTS.succeeded, outcome }, idle);
    expect(lead(report)).toContain(`${words} that it is healthy: \`agent\` (no instance is to run).`);
    expect(firstLine(report)).toBe(`### 🟢 shop → staging: ${headline}`);
  });

  it.each([
    ["succeeded", "is running and was proven healthy in 14.9 s"],
    ["unchanged", "is what was running already; nothing was touched, and it was proven healthy"],
  ] as const)("is named beside what does, when it ended %s", (outcome, words) => {
    const some = withRunning({ ...SAMPLE_REPORTS.succeeded, outcome }, [["web", 3, 3], ...idle]);
    expect(lead(some)).toBe(`Deployment 12 ${words}, except \`agent\` (no instance is to run).`);
    expect(firstLine(some)).toContain("healthy");
    const all = withRunning({ ...SAMPLE_REPORTS.succeeded, outcome }, [["web", 3, 3]]);
    expect(lead(all)).toBe(`Deployment 12 ${words}.`);
  });
});

describe("a service that ran once to its end", () => {
  const counts: Counts = [
    ["web", 3, 3],
    ["migrate", 0, 1],
  ];
  const rowOf = (report: DeploymentReport, service: string): string | undefined =>
    renderComment(report, context)
      .split("\n")
      .find((line) => line.startsWith(`| \`${service}\` | `));

  it("is done where the release was proven, and not short of an instance", () => {
    const report = withRunning(SAMPLE_REPORTS.succeeded, counts);
    expect(rowOf(report, "migrate")).toMatch(/^\| `migrate` \| done \|/);
    expect(rowOf(report, "web")).toMatch(/^\| `web` \| 3\/3 \|/);
    // Nobody has proven that it ended well.
    expect(rowOf(withRunning(SAMPLE_REPORTS.rolled_back, counts), "migrate")).toMatch(/^\| `migrate` \| 0\/1 \|/);
  });

  it("is done as well where only the ledger tells that it runs once", () => {
    const report = { ...withRunning(SAMPLE_REPORTS.succeeded, counts), changes: [] };
    expect(lead(report)).toBe(
      "Deployment 12 is running and was proven healthy in 14.9 s, except `migrate` (0 of 1 instances ready).",
    );
    const told = { ...report, once: ["migrate"] };
    expect(lead(told)).toBe("Deployment 12 is running and was proven healthy in 14.9 s.");
    expect(rowOf(told, "migrate")).toMatch(/^\| `migrate` \| done \|/);
  });

  it("is all that a release may have", () => {
    const only = { ...withRunning(SAMPLE_REPORTS.succeeded, [["migrate", 0, 1]]), changes: [], once: ["migrate"] };
    expect(lead(only)).toBe("Deployment 12 is running and was proven healthy in 14.9 s.");
  });
});
