import { describe, expect, it } from "vitest";
import { instance, observed, old, probe, service, unready, withProbes } from "../testing/observations.ts";
import { takeBaseline } from "./baseline.ts";
import { openJudgement, step } from "./judgement.ts";
import type { JudgeTerms } from "./verdict.ts";

const POLICY = { startMs: 60_000, stableMs: 0, crashes: 1 };
const shown = (web: Parameters<typeof service>[0], api: Parameters<typeof service>[0]) => ({
  at: 5_000,
  services: [service(web), service(api, { name: "api" })],
  probes: [],
});
const BEFORE = shown([old("w1")], [old("a1")]);
const terms = (services?: string[]): JudgeTerms => ({
  policy: POLICY,
  expect: "alone",
  stable: false,
  ...(services && { services }),
});

describe("a stage that changes some of the services", () => {
  it("converges although the others are not changed yet, and the next one asks for all", () => {
    const first = step(
      terms(["web"]),
      openJudgement(takeBaseline(BEFORE)),
      shown([instance("w2")], [old("a1")]),
      1_000,
    );
    expect(first.verdict).toEqual({ kind: "converged" });
    const next = step(terms(), first, shown([instance("w2")], [old("a1")]), 2_000);
    expect(next.verdict).toMatchObject({ kind: "progressing" });
    expect(step(terms(), next, shown([instance("w2")], [instance("a2")]), 3_000).verdict).toEqual({
      kind: "converged",
    });
  });

  it("waits for a probe of the whole that never passed only when what leads there has been changed, too", () => {
    const waiting = withProbes(observed([instance("w2")]), probe("waiting"));
    const early = { ...terms(), changesFollow: true };
    const first = step(early, openJudgement(takeBaseline(observed([]))), waiting, 0);
    expect(first.verdict).toEqual({ kind: "converged" });
    const next = step(terms(), first, waiting, 61_000);
    expect(next.verdict).toMatchObject({ kind: "progressing" });
    expect(step(terms(), next, waiting, 122_000).verdict).toMatchObject({ cause: { cause: "probe_failed" } });
    const passing = withProbes(observed([instance("w2")]), probe("passing"));
    expect(step(terms(), next, passing, 62_000).verdict).toEqual({ kind: "converged" });
  });

  it("takes a release off at once when a probe of the whole that passed fails, whatever is still to be changed", () => {
    const early = { ...terms(), changesFollow: true };
    const passing = withProbes(observed([instance("w2")]), probe("passing"));
    const first = step(early, openJudgement(takeBaseline(observed([]))), passing, 0);
    const failing = withProbes(observed([instance("w2")]), probe("failing"));
    expect(step(early, first, failing, 1_000).verdict).toMatchObject({ cause: { cause: "probe_failed" } });
  });

  it("runs no start time for those that wait", () => {
    const first = step(terms(["web"]), openJudgement(takeBaseline(BEFORE)), shown([instance("w2")], []), 0);
    const next = step(terms(), first, shown([instance("w2")], [unready("a2")]), 61_000);
    expect(next.verdict).toMatchObject({ kind: "progressing" });
  });
});
