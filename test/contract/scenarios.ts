import { knownDigests } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import { waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import { BEFORE, BY_HAND } from "./history-scenarios.ts";
import type { SeenInstance } from "./observer.ts";
import { commit, isOlderThan } from "./release-of.ts";
import { RELEASES, SURROUNDINGS } from "./release-scenarios.ts";
import { deployOver, expectDone, expectRolledBack, OLD, type Scenario, STARTED } from "./scenario.ts";
import type { Definitions, Variants } from "./stand.ts";
import { expectTold } from "./told.ts";
import type { DeployOptions, Running, Trial } from "./trial.ts";
import type { VariantName } from "./variants.ts";

/** Several services that go and come back together. */
const GROUPS: readonly Scenario[] = [
  {
    name: "one-shot that completes",
    run: async (trial) => {
      const result = await withOneShot(trial, { migrate: "job-done2", web: "good2" });
      await expectDone(trial, result, { migrate: ["job-done2", 1], web: ["good2", 1] });
      return result;
    },
  },
  {
    name: "one-shot that fails",
    run: async (trial) => {
      const before = async () => (await trial.seen()).services.web;
      const result = await withOneShot(trial, { migrate: "job-fails", web: "good2" });
      expect(result, trial.why(result)).toMatchObject({
        outcome: "rolled_back",
        cause: { cause: "exited", service: "migrate" },
      });
      expect(result.report.evidence[0]).toMatchObject({ service: "migrate", exitCode: 1 });
      expect(await before()).toHaveLength(1);
      await trial.expectRunning({ migrate: ["job-done1", 1], web: ["good1", 1] });
      return result;
    },
  },
  {
    name: "two services, the second fails",
    run: async (trial) => {
      await trial.app.define({ api: { replicas: 1 }, web: { replicas: 1, dependsOn: ["api"] } });
      await trial.app.hand.up({ api: "good1", web: "good1" });
      const result = await trial.deploy({ api: "good2", web: "crash" });
      await expectRolledBack(trial, result, STARTED, { api: ["good1", 1], web: ["good1", 1] });
      return result;
    },
  },
  {
    name: "two services at once, a third that waits",
    run: async (trial) => {
      // If it did not wait it would be the first to begin, so that whoever sees the others under way would see it, too.
      await trial.app.define({
        admin: { replicas: 1, dependsOn: ["web"] },
        api: { replicas: 1 },
        web: { replicas: 1 },
      });
      await trial.app.hand.up({ admin: "good1", api: "good1", web: "good1" });
      const looks: (readonly string[])[] = [];
      const atOnce = async (): Promise<boolean> => {
        const now = await underWay(trial, "slow");
        looks.push(now);
        return now.includes("api") && now.includes("web");
      };
      const onStep = async (step: string): Promise<void> => {
        if (step === "watch" && looks.length === 0)
          await waitUntil("api and web are under way in one look", atOnce, { withinMs: 30_000 });
      };
      const result = await trial.deploy({ admin: "slow", api: "slow", web: "slow" }, { ports: { onStep } });
      await expectDone(trial, result, { admin: ["slow", 1], api: ["slow", 1], web: ["slow", 1] });
      expect(looks.at(-1)).toEqual(["api", "web"]);
      expect(looks.flat()).not.toContain("admin");
      return result;
    },
  },
  {
    name: "one of three services removed",
    run: async (trial) => {
      const { result } = await removeOneOfThree(trial, "good2");
      await expectDone(trial, result, { api: ["good2", 1], web: ["good2", 1] });
      return result;
    },
  },
  {
    name: "one of three services removed, another fails",
    run: async (trial) => {
      const { result, worker } = await removeOneOfThree(trial, "crash");
      const old: Running = { api: ["good1", 1], web: ["good1", 1], worker: ["good1", 1] };
      await expectRolledBack(trial, result, STARTED, old);
      // It never went: nothing is removed before the rest is proven.
      expect(await namesOf(trial, "worker")).toEqual(worker);
      return result;
    },
  },
];

/** Services of which the observer sees an instance of this variant that is not healthy yet. */
async function underWay(trial: Trial, variant: VariantName): Promise<readonly string[]> {
  const digests: readonly string[] = knownDigests(await trial.app.identity(variant));
  const { services } = await trial.seen();
  const isNew = (one: SeenInstance): boolean => !one.healthy && one.digests.some((digest) => digests.includes(digest));
  const names = Object.entries(services).flatMap(([name, all]) => (all.some(isNew) ? [name] : []));
  return names.sort();
}

async function namesOf(trial: Trial, service: string): Promise<readonly string[]> {
  return ((await trial.seen()).services[service] ?? []).map(({ name }) => name).sort();
}

async function withOneShot(trial: Trial, release: Variants): Promise<DeploymentResult> {
  await trial.app.define({ migrate: { goal: "complete" }, web: { replicas: 1, dependsOn: ["migrate"] } });
  const old: Variants = { migrate: "job-done1", web: "good1" };
  if (trial.app.onlyExisting) await trial.app.hand.up(old);
  else {
    const first = await trial.deploy(old);
    expect(first, trial.why(first)).toMatchObject({ outcome: "succeeded" });
  }
  return trial.deploy(release);
}

interface Removed {
  readonly result: DeploymentResult;
  /** Instances of the removed service before it was. */
  readonly worker: readonly string[];
}

/** The first release is Belay's own: what it did not bring, it must not remove. */
async function removeOneOfThree(trial: Trial, web: VariantName): Promise<Removed> {
  const two: Definitions = { api: { replicas: 1 }, web: { replicas: 1 } };
  await trial.app.define({ ...two, worker: { replicas: 1 } });
  const first = await trial.deploy({ api: "good1", web: "good1", worker: "good1" });
  expect(first, trial.why(first)).toMatchObject({ outcome: "succeeded" });
  await trial.app.define(two);
  const worker = await namesOf(trial, "worker");
  expect(worker).toHaveLength(1);
  return { result: await trial.deploy({ api: "good2", web }), worker };
}

/** What happens to the run itself. */
const RUNS: readonly Scenario[] = [
  {
    name: "cancelled in the middle",
    run: async (trial) => {
      const cancel = new AbortController();
      const onStep = (step: string): void => {
        if (step === "watch") cancel.abort();
      };
      const result = await deployOver(trial, "good2", { options: { ports: { signal: cancel.signal, onStep } } });
      expect(result, trial.why(result)).toMatchObject({ outcome: "rolled_back", cause: { cause: "cancelled" } });
      expect(await trial.ledger()).toEqual([[1, "rolled_back"]]);
      await trial.expectRunning(OLD);
      return result;
    },
  },
  {
    name: "rollback that fails",
    run: async (trial) => {
      const onStep = async (step: string): Promise<void> => {
        if (step !== "dossier") return;
        await trial.app.hand.loseConfig("web");
        await trial.app.hand.kill("web");
      };
      const policy = { startMs: 15_000, deadlineMs: 40_000 };
      const result = await deployOver(trial, "crash", {
        web: { config: true },
        options: { policy, ports: { onStep } },
      });
      expect(result, trial.why(result)).toMatchObject({ outcome: "rollback_failed", leftOpen: false });
      expect(await trial.ledger()).toEqual([[1, "rollback_failed"]]);
      const { report } = result;
      expect(report.changes).toContainEqual(expect.objectContaining({ service: "web", from: expect.anything() }));
      const comment = expectTold(report);
      expect(comment).toContain("What should run");
      for (const { command } of report.advice) expect(comment).toContain(command);
      expect(report.advice).not.toEqual([]);
      const healthy = (await trial.seen()).services.web?.filter((one) => one.healthy) ?? [];
      expect(report.running.reduce((sum, one) => sum + one.ready, 0)).toBe(healthy.length);
      return result;
    },
  },
  {
    name: "older release",
    run: async (trial) => {
      const [older, running, newer] = [commit(0xa0), commit(0xb0), commit(0xc0)];
      const of = (revision: string): DeployOptions => {
        return { revision, ports: { isOlder: async (source) => isOlderThan(source, revision) } };
      };
      await deployOver(trial, "good2", { options: of(running) });
      const result = await trial.deploy({ web: "good1" }, of(older));
      const { lastMs } = trial;
      expect(result, trial.why(result)).toMatchObject({ outcome: "refused", cause: { cause: "older_release" } });
      expect(await trial.ledger()).toEqual([[1, "succeeded"]]);
      await trial.expectRunning({ web: ["good2", 2] });
      await expectDone(trial, await trial.deploy({ web: "good3" }, of(newer)), { web: ["good3", 2] });
      trial.lastMs = lastMs;
      return result;
    },
  },
];

/** Every case that one run shows; those that need several processes are in `killed-runs.ts` and `two-runners.ts`. */
export const SCENARIOS: readonly Scenario[] = [...RELEASES, ...SURROUNDINGS, ...BEFORE, ...BY_HAND, ...GROUPS, ...RUNS];
