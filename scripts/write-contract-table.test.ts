import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isOutcome } from "@belay/core";
import { describe, expect, it } from "vitest";
import { type CaseResult, type EngineResults, FAULTS_SUFFIX } from "../test/contract/results.ts";
import { casesOf, merge, readScenarios, SCENARIOS_PAGE, scenariosPage, withoutParts } from "./write-contract-table.ts";

const compose: EngineResults = {
  engine: "Compose",
  cases: [
    { case: "crash at start", outcome: "rolled_back", cause: "crash_loop in web", seconds: 1.5 },
    { case: "quota", impossible: "no quotas" },
    { case: "good", outcome: "succeeded", seconds: 3 },
  ],
};

describe("the table of scenarios", () => {
  it("is read as it was written, in the order of the cases", () => {
    const page = scenariosPage([compose]);
    expect(page).toContain("## Compose\n\n| case | outcome | cause | seconds |\n| --- | --- | --- | --- |\n| good |");
    expect(page).toContain("| quota | not possible: no quotas |  |  |");
    const [read] = readScenarios(page);
    expect(read?.engine).toBe("Compose");
    expect(read?.cases).toEqual(expect.arrayContaining([...compose.cases]));
    expect(scenariosPage(readScenarios(page))).toBe(page);
  });

  it("keeps what did not run again", () => {
    const swarm: EngineResults = { engine: "Swarm", cases: [{ case: "good", outcome: "succeeded", seconds: 9 }] };
    const again: EngineResults = { engine: "Compose", cases: [{ case: "good", outcome: "failed", seconds: 1 }] };
    const [first, second] = merge([compose, swarm], [again]);
    expect(first?.cases).toHaveLength(3);
    expect(first?.cases).toContainEqual({ case: "good", outcome: "failed", seconds: 1 });
    expect(second).toEqual(swarm);
  });

  it("keeps the widest run of kills, until there is one that is whole", () => {
    const name = "killed before a step, then reconcile";
    const of = (cause: string): EngineResults => ({ engine: "Compose", cases: [{ case: name, outcome: "x", cause }] });
    const kept = (...causes: string[]): string | undefined =>
      causes.map(of).reduce<EngineResults[]>((all, one) => merge(all, [one]), [])[0]?.cases[0]?.cause;
    const [whole, some] = ["60 kills, before 40 of 40 steps", "14 kills, before 14 of 40 steps"];
    expect(kept(whole, some)).toBe(whole);
    expect(kept("62 kills", some)).toBe("62 kills");
    expect(kept("62 kills", whole)).toBe(whole);
    expect(kept(some, "1 kills, before 1 of 40 steps")).toBe(some);
    expect(kept(some, "15 kills, before 15 of 40 steps")).toContain("15 of 40");
  });

  it("has an engine once all of its cases were run", () => {
    const whole = casesOf("Swarm").map((name) => ({ case: name, outcome: "succeeded" }) as CaseResult);
    const [first, ...rest] = whole;
    expect(withoutParts([{ engine: "Swarm", cases: rest }, compose])).toEqual([]);
    expect(withoutParts([{ engine: "Swarm", cases: [...rest, ...(first ? [first] : [])] }])).toHaveLength(1);
  });

  it("refuses a case that the suite has not", () => {
    expect(() => readScenarios("\n## Compose\n| a |\n| - |\n| unheard of | x |  | 1 |")).toThrow("unheard of");
  });

  it("tells in the documentation of every case on every engine", async () => {
    const page = await readFile(join(resolve(import.meta.dirname, ".."), SCENARIOS_PAGE), "utf8");
    const engines = readScenarios(page);
    expect(engines.map((one) => one.engine)).toEqual(expect.arrayContaining(["Compose", `Compose${FAULTS_SUFFIX}`]));
    for (const { engine, cases } of engines) {
      const names = cases.map((one) => one.case);
      expect(names, `${engine}: run its contract tests, then \`npm run contract-table\``).toEqual([...casesOf(engine)]);
      const single = cases.filter((one) => one.outcome !== undefined && /^\w+$/.test(one.outcome));
      for (const { outcome = "" } of single) expect(isOutcome(outcome), `${engine}: ${outcome}`).toBe(true);
    }
  });
});
