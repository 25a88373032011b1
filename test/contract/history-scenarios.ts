import type { DeploymentResult } from "@belay/rollout";
import { waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import type { Seen } from "./observer.ts";
import { deployOver, expectDone, expectRolledBack, OLD, type Scenario, SICK, STARTED, WEB } from "./scenario.ts";
import type { Definitions } from "./stand.ts";
import type { Trial } from "./trial.ts";

/** What did or did not run before. */
export const BEFORE: readonly Scenario[] = [
  {
    name: "only the environment changes",
    run: async (trial) => {
      const note = (value: string): Definitions => ({ web: { replicas: 2, env: { NOTE: value } } });
      const notes = async () => (await trial.seen()).services.web?.map((one) => one.note);
      await trial.app.define(note("old"));
      await trial.app.hand.up({ web: "good1" });
      expect(await notes()).toEqual(["old", "old"]);
      await trial.app.define(note("new"));
      const result = await trial.deploy({ web: "good1" });
      await expectDone(trial, result, OLD);
      expect(await notes()).toEqual(["new", "new"]);
      return result;
    },
  },
  {
    name: "nothing changes",
    run: async (trial) => {
      await deployOver(trial, "good2");
      const before = await trial.seen();
      const result = await trial.deploy({ web: "good2" });
      await expectDone(trial, result, { web: ["good2", 2] }, "unchanged");
      expect(await trial.seen()).toEqual(before);
      expect(await trial.ledger()).toEqual([[1, "succeeded"]]);
      return result;
    },
  },
  {
    // It runs by this deployment, which only looks: what to do about it is for people to say, or for the engine.
    name: "nothing changes, but it falls ill",
    run: async (trial) => {
      await deployOver(trial, "good2");
      const before = await trial.seen();
      const onStep = async (step: string): Promise<void> => {
        if (step === "watch") await trial.app.hand.sicken("web");
      };
      const policy = { stableMs: 60_000 };
      const result = await trial.deploy({ web: "good2" }, { policy, ports: { onStep } });
      expect(result, trial.why(result)).toMatchObject({ outcome: "unverified", cause: { service: "web" } });
      expect(SICK[trial.app.scope.target]).toContain(result.cause?.cause);
      expect(result.report.deployment).toBeUndefined();
      expect(await trial.ledger()).toEqual([[1, "succeeded"]]);
      const { target } = trial.app.scope;
      // A swarm itself has others in their place.
      if (target !== "swarm") expect(namesIn(await trial.seen())).toEqual(namesIn(before));
      const tookMs = trial.lastMs;
      // What is ill when a deployment begins is brought anew where no engine does so.
      if (target === "compose") await expectDone(trial, await trial.deploy({ web: "good2" }), { web: ["good2", 2] });
      trial.lastMs = tookMs;
      return result;
    },
  },
  {
    name: "first deployment, good",
    run: async (trial) => {
      await trial.app.define(WEB);
      const result = await trial.deploy({ web: "good1" });
      await expectDone(trial, result, OLD);
      return result;
    },
  },
  {
    name: "first deployment, bad, kept",
    run: async (trial) => {
      await trial.app.define(WEB);
      const result = await trial.deploy({ web: "unhealthy" });
      expect(result, trial.why(result)).toMatchObject({ outcome: "failed", cause: { service: "web" } });
      expect(await trial.ledger()).toEqual([[1, "failed"]]);
      expect((await trial.seen()).services.web).toHaveLength(2);
      const { lastMs } = trial;
      await expectIllTold(trial);
      await expectKeptToo(trial);
      trial.lastMs = lastMs;
      return result;
    },
  },
  {
    name: "first deployment, bad, removed",
    run: async (trial) => {
      await trial.app.define(WEB);
      const result = await trial.deploy({ web: "crash" }, { policy: { onFirstFailure: "remove" } });
      expect(result, trial.why(result)).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
      expect((await trial.seen()).services.web ?? []).toEqual([]);
      return result;
    },
  },
];

function namesIn({ services }: Seen): readonly string[] | undefined {
  return services.web?.map(({ name }) => name).sort();
}

/** What people did since. */
export const BY_HAND: readonly Scenario[] = [
  {
    name: "scaled by hand since",
    run: async (trial) => {
      await trial.app.define({ web: {} });
      await trial.app.hand.up({ web: "good1" });
      await trial.app.hand.scale("web", 3);
      const result = await trial.deploy({ web: "crash" });
      await expectRolledBack(trial, result, STARTED, { web: ["good1", 3] });
      const next = await trial.deploy({ web: "good2" });
      await expectDone(trial, next, { web: ["good2", 3] });
      return result;
    },
  },
  {
    name: "service deleted by hand",
    run: async (trial) => {
      await deployOver(trial, "good2");
      await trial.app.hand.delete("web");
      const result = await trial.deploy({ web: "good3" });
      if (trial.app.onlyExisting) await expectMissed(trial, result);
      else {
        await expectDone(trial, result, { web: ["good3", 2] });
        expect(await trial.ledger()).toEqual([
          [2, "succeeded"],
          [1, "succeeded"],
        ]);
      }
      return result;
    },
  },
  {
    name: "updated by hand since",
    run: async (trial) => {
      await deployOver(trial, "good2");
      await trial.app.hand.update("web", "good3");
      const result = await trial.deploy({ web: "crash" });
      await expectRolledBack(trial, result, STARTED, { web: ["good3", 2] });
      expect(result.report.findings).toContainEqual(expect.objectContaining({ check: "drifted" }));
      return result;
    },
  },
  {
    name: "rolled back by hand, three releases deep",
    run: async (trial) => {
      await deployOver(trial, "good2");
      for (const variant of ["good3", "good4", "good5"] as const)
        await expectDone(trial, await trial.deploy({ web: variant }), { web: [variant, 2] });
      const result = await trial.rollback("1");
      await expectDone(trial, result, { web: ["good2", 2] });
      expect((await trial.ledger()).map(([number]) => number)).toEqual([5, 4, 3, 2, 1]);
      expect((await trial.history())[0]?.end?.runs).toMatchObject({ proven: true });
      return result;
    },
  },
  {
    name: "rolled back by hand to a service that was removed since",
    run: async (trial) => {
      const web = { replicas: 1 };
      await trial.app.define({ web, worker: web });
      await expectDone(trial, await trial.deploy({ web: "good1", worker: "good1" }), {
        web: ["good1", 1],
        worker: ["good1", 1],
      });
      await trial.app.define({ web });
      await expectDone(trial, await trial.deploy({ web: "good2" }), { web: ["good2", 1] });
      const result = await trial.rollback("previous");
      await expectDone(trial, result, { web: ["good1", 1], worker: ["good1", 1] });
      return result;
    },
  },
];

/** What only its user makes is asked for by name, and nothing is made in its place. */
async function expectMissed(trial: Trial, result: DeploymentResult): Promise<void> {
  const detail = expect.stringMatching(/ has no (service )?\S+web\b/);
  const cause = { cause: "preflight", service: "web", detail };
  expect(result, trial.why(result)).toMatchObject({ outcome: "refused", cause, leftOpen: false });
  const finding = {
    level: "refuse",
    check: "workload_missing",
    service: "web",
    remedy: expect.stringMatching(/^Create it/),
  };
  expect(result.report.findings).toContainEqual(expect.objectContaining(finding));
  expect(await trial.ledger()).toEqual([[1, "succeeded"]]);
  await trial.expectRunning({});
}

/** What `belay status` tells of an instance that is right. */
const RIGHT = /^running(, healthy)?( \(|$)/;

/** As many ill instances as are seen from outside, and no others. An engine may just have another one in the place of one. */
async function expectIllTold(trial: Trial): Promise<void> {
  const toldAsSeen = async (): Promise<boolean> => {
    const seen = (await trial.seen()).services.web ?? [];
    expect(seen.map(({ healthy }) => healthy)).toEqual([false, false]);
    const told = (await trial.status()).find(({ service }) => service === "web");
    expect(told?.ready).toBe(0);
    const groups = Object.entries(told?.health ?? {});
    expect(groups.filter(([state]) => RIGHT.test(state))).toEqual([]);
    expect(groups.reduce((sum, [, count]) => sum + count, 0)).toBe(seen.length);
    return true;
  };
  await waitUntil("the ill instances are told as they are seen", toldAsSeen, { withinMs: 60_000, everyMs: 100 });
}

/** After it, a bad one has nothing to go back to, one that is cancelled proves nothing, and a good one leaves nothing of them. */
async function expectKeptToo(trial: Trial): Promise<void> {
  const second = await trial.deploy({ web: "crash" });
  expect(second, trial.why(second)).toMatchObject({ outcome: "failed", cause: { service: "web" }, leftOpen: false });
  expect(second.report.findings).toContainEqual(expect.objectContaining({ check: "nothing_proven", service: "web" }));
  await expectNothingProven(trial);
  await expectDone(trial, await trial.deploy({ web: "good2" }), { web: ["good2", 2] });
  const outcomes = (await trial.ledger()).map(([, outcome]) => outcome);
  expect(outcomes).toEqual(["succeeded", "unverified", "failed", "failed"]);
}

/** What crashed before is there again: no way back that failed, since nothing was lost. */
async function expectNothingProven(trial: Trial): Promise<void> {
  expect(await trial.foretold({ web: "good2" })).toMatchObject({ check: "nothing_proven", service: "web" });
  const cancel = new AbortController();
  const onStep = (step: string): void => {
    if (step === "watch") cancel.abort();
  };
  const result = await trial.deploy({ web: "good2" }, { ports: { signal: cancel.signal, onStep } });
  expect(result, trial.why(result)).toMatchObject({
    ...{ outcome: "unverified", cause: { cause: "cancelled" }, leftOpen: false },
    report: {
      findings: expect.arrayContaining([expect.objectContaining({ check: "nothing_proven", service: "web" })]),
    },
  });
}
