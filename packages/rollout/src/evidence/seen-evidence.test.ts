import { describe, expect, it } from "vitest";
import { instance, observed, old, unready } from "../testing/observations.ts";
import { exit } from "../testing/verdict-of.ts";
import { seenEvidence } from "./seen-evidence.ts";

describe("the evidence that was seen", () => {
  it("is the ends of the wanted revision's containers, and what is not known is said", () => {
    const killed = unready("1", { state: "exited", lastExit: { code: 137, oomKilled: true } });
    const found = seenEvidence(observed([killed, instance("2"), old("o1", { containers: [] })]));
    expect(found).toMatchObject([{ exitCode: 137, oomKilled: true, logLines: [], events: [] }]);
    expect(found[0]?.unknown[0]).toContain("did not tell in time");
  });

  it("leaves a one-shot's good end out, and is bounded", () => {
    const done = unready("1", { state: "exited", ...exit(0) });
    expect(seenEvidence(observed([done], { goal: "complete" }))).toEqual([]);
    const many = Array.from({ length: 9 }, (_, index) => unready(`${index}`, { state: "exited", ...exit(1) }));
    expect(seenEvidence(observed(many))).toHaveLength(5);
  });
});
