import type { Cause, Outcome } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import { expect } from "vitest";
import type { CaseName } from "./cases.ts";
import type { Definitions, Variants } from "./stand.ts";
import type { DeployOptions, Running, Trial } from "./trial.ts";
import { CRASH_CODE, CRASH_LINE, MEMORY_LIMIT, type VariantName } from "./variants.ts";

/** A case that runs on every engine: what a user has, what Belay is told, and what must be true at the end. */
export interface Scenario {
  readonly name: CaseName;
  /** @returns the deployment that the table tells of. */
  run(trial: Trial): Promise<DeploymentResult>;
}

const WEB: Definitions = { web: { replicas: 2 } };
const OLD: Running = { web: ["good1", 2] };

/** The usual case: `before` runs, brought up by hand; `variant` is deployed. */
interface Usual {
  readonly web?: Definitions["web"];
  readonly before?: VariantName;
  readonly prepare?: (trial: Trial) => Promise<void>;
  readonly options?: DeployOptions;
}

async function deployOver(trial: Trial, variant: VariantName, usual: Usual = {}): Promise<DeploymentResult> {
  await trial.app.define({ web: { replicas: 2, ...usual.web } });
  await trial.app.hand.up({ web: usual.before ?? "good1" });
  await usual.prepare?.(trial);
  return trial.deploy({ web: variant }, usual.options);
}

/** It was taken off for one of these causes, the old release is proven, and the ledger has it so. */
async function expectRolledBack(
  trial: Trial,
  result: DeploymentResult,
  causes: readonly Cause[],
  old: Running = OLD,
): Promise<void> {
  expect(result, trial.log.text()).toMatchObject({ outcome: "rolled_back", leftOpen: false });
  expect(causes).toContain(result.cause?.cause);
  expect(result.cause?.service).toBe("web");
  expect((await trial.ledger())[0]).toEqual([result.report.deployment, "rolled_back"]);
  const end = (await trial.history())[0]?.end;
  expect(end?.cause?.cause).toBe(result.cause?.cause);
  await trial.expectRunning(old);
}

async function expectDone(
  trial: Trial,
  result: DeploymentResult,
  runs: Running,
  outcome: Outcome = "succeeded",
): Promise<void> {
  expect(result, trial.log.text()).toMatchObject({ outcome, leftOpen: false });
  if (result.report.deployment !== undefined)
    expect((await trial.ledger())[0]).toEqual([result.report.deployment, outcome]);
  await trial.expectRunning(runs);
}

function bad(
  name: CaseName,
  variant: VariantName,
  causes: readonly Cause[],
  evidence: (result: DeploymentResult) => void = () => undefined,
  usual: Usual = {},
): Scenario {
  return {
    name,
    run: async (trial) => {
      const result = await deployOver(trial, variant, usual);
      await expectRolledBack(trial, result, causes);
      evidence(result);
      return result;
    },
  };
}

function good(name: CaseName, before: VariantName, variant: VariantName, usual: Usual = {}): Scenario {
  return {
    name,
    run: async (trial) => {
      const result = await deployOver(trial, variant, { before, ...usual });
      await expectDone(trial, result, { web: [variant, usual.web?.replicas ?? 2] });
      return result;
    },
  };
}

const STARTED: readonly Cause[] = ["crash_loop", "exited"];
const ILL: readonly Cause[] = ["unhealthy", "readiness_lost", "startup_killed", "start_timeout"];

/** Releases that run, or not. */
const RELEASES: readonly Scenario[] = [
  good("good", "good1", "good2"),
  bad("crash at start", "crash", STARTED, ({ report }) => {
    expect(report.evidence[0]).toMatchObject({ service: "web", exitCode: CRASH_CODE });
    expect(report.evidence.flatMap((one) => one.logLines).join("\n")).toContain(CRASH_LINE);
  }),
  bad(
    "out of memory",
    "oom",
    ["oom_killed"],
    ({ report }) => expect(report.evidence.some((one) => one.oomKilled === true)).toBe(true),
    { web: { memory: MEMORY_LIMIT } },
  ),
  bad("unhealthy", "unhealthy", ILL, ({ report }) => expect(report.evidence[0]?.service).toBe("web")),
  bad("unhealthy after 6 s", "sickens", ILL, undefined, { options: { policy: { stableMs: 10_000 } } }),
  good("slow start within its start period", "good1", "slow"),
  bad("flapping", "flapping", ILL, undefined, { options: { policy: { stableMs: 10_000 } } }),
  bad("wrong command", "wrong-command", ["start_failed", ...STARTED], ({ cause, report }) => {
    const told = `${cause?.detail} ${JSON.stringify(report.evidence)}`;
    expect(told).toContain("/no/such/program");
  }),
  good("no healthcheck", "unchecked1", "unchecked2"),
  good("healthcheck added", "unchecked1", "good2"),
  good("healthcheck removed", "good1", "unchecked2"),
  good("ignores SIGTERM", "stubborn", "good2"),
  bad("exits 0 at once", "exits", STARTED, ({ report }) => expect(report.evidence[0]?.exitCode).toBe(0)),
  {
    name: "no replicas",
    run: async (trial) => {
      const result = await deployOver(trial, "good2", { web: { replicas: 0 } });
      // Where an engine keeps no image for what has no instance, there is nothing to change.
      expect(["succeeded", "unchanged"], trial.log.text()).toContain(result.outcome);
      await trial.expectRunning({});
      return result;
    },
  },
  {
    name: "missing image",
    run: async (trial) => {
      const before = async () => (await trial.seen()).services;
      await trial.app.define(WEB);
      await trial.app.hand.up({ web: "good1" });
      const untouched = await before();
      const result = await trial.deploy({ web: "missing" });
      expect(result, trial.log.text()).toMatchObject({ outcome: "refused", cause: { cause: "preflight" } });
      expect(await trial.ledger()).toEqual([]);
      expect(await before()).toEqual(untouched);
      await trial.expectRunning(OLD);
      return result;
    },
  },
];

/** What the engine lacks for the new instances. */
const SURROUNDINGS: readonly Scenario[] = [
  {
    name: "missing config",
    run: async (trial) => {
      const prepare = ({ app }: Trial) => app.hand.loseConfig("web");
      const result = await deployOver(trial, "good2", { web: { config: true }, prepare });
      expect(["rolled_back", "refused"], trial.log.text()).toContain(result.outcome);
      expect(["config_missing", "preflight"]).toContain(result.cause?.cause);
      await trial.expectRunning(OLD);
      return result;
    },
  },
  {
    name: "config lost in the middle",
    run: async (trial) => {
      const onStep = async (step: string): Promise<void> => {
        if (step === "baseline") await trial.app.hand.loseConfig("web");
      };
      const result = await deployOver(trial, "good2", { web: { config: true }, options: { ports: { onStep } } });
      await expectRolledBack(trial, result, ["config_missing"]);
      return result;
    },
  },
  {
    name: "unschedulable",
    run: async (trial) => {
      const prepare = ({ app }: Trial) => app.define({ web: { replicas: 2, nowhere: true } });
      const result = await deployOver(trial, "good2", { prepare });
      await expectRolledBack(trial, result, ["unschedulable"]);
      return result;
    },
  },
  {
    name: "quota",
    run: async (trial) => {
      const result = await deployOver(trial, "good2", { prepare: ({ app }) => app.hand.allowNoMore() });
      await expectRolledBack(trial, result, ["quota"]);
      return result;
    },
  },
];

/** What did or did not run before. */
const BEFORE: readonly Scenario[] = [
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
      expect(result, trial.log.text()).toMatchObject({ outcome: "failed", cause: { service: "web" } });
      expect(await trial.ledger()).toEqual([[1, "failed"]]);
      expect((await trial.seen()).services.web).toHaveLength(2);
      return result;
    },
  },
  {
    name: "first deployment, bad, removed",
    run: async (trial) => {
      await trial.app.define(WEB);
      const result = await trial.deploy({ web: "crash" }, { policy: { onFirstFailure: "remove" } });
      expect(result, trial.log.text()).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
      expect((await trial.seen()).services.web ?? []).toEqual([]);
      return result;
    },
  },
];

/** What people did since. */
const BY_HAND: readonly Scenario[] = [
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
      await expectDone(trial, result, { web: ["good3", 2] });
      expect(await trial.ledger()).toEqual([
        [2, "succeeded"],
        [1, "succeeded"],
      ]);
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
];

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
      expect(result, trial.log.text()).toMatchObject({ outcome: "rolled_back", cause: { service: "migrate" } });
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
    name: "one of three services removed",
    run: async (trial) => {
      const result = await removeOneOfThree(trial, "good2");
      await expectDone(trial, result, { api: ["good2", 1], web: ["good2", 1] });
      return result;
    },
  },
  {
    name: "one of three services removed, another fails",
    run: async (trial) => {
      const result = await removeOneOfThree(trial, "crash");
      const old: Running = { api: ["good1", 1], web: ["good1", 1], worker: ["good1", 1] };
      await expectRolledBack(trial, result, STARTED, old);
      return result;
    },
  },
];

async function withOneShot(trial: Trial, release: Variants): Promise<DeploymentResult> {
  await trial.app.define({ migrate: { goal: "complete" }, web: { replicas: 1, dependsOn: ["migrate"] } });
  const first = await trial.deploy({ migrate: "job-done1", web: "good1" });
  expect(first, trial.log.text()).toMatchObject({ outcome: "succeeded" });
  return trial.deploy(release);
}

/** The first release is Belay's own: what it did not bring, it must not remove. */
async function removeOneOfThree(trial: Trial, web: VariantName): Promise<DeploymentResult> {
  const two: Definitions = { api: { replicas: 1 }, web: { replicas: 1 } };
  await trial.app.define({ ...two, worker: { replicas: 1 } });
  const first = await trial.deploy({ api: "good1", web: "good1", worker: "good1" });
  expect(first, trial.log.text()).toMatchObject({ outcome: "succeeded" });
  await trial.app.define(two);
  return trial.deploy({ api: "good2", web });
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
      expect(result, trial.log.text()).toMatchObject({ outcome: "rolled_back", cause: { cause: "cancelled" } });
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
      expect(result, trial.log.text()).toMatchObject({ outcome: "rollback_failed", leftOpen: false });
      expect(await trial.ledger()).toEqual([[1, "rollback_failed"]]);
      const { report } = result;
      expect(report.changes).toContainEqual(expect.objectContaining({ service: "web", from: expect.anything() }));
      expect(report.advice.map((one) => one.command)).not.toEqual([]);
      const healthy = (await trial.seen()).services.web?.filter((one) => one.healthy) ?? [];
      expect(report.running.reduce((sum, one) => sum + one.ready, 0)).toBe(healthy.length);
      return result;
    },
  },
  {
    name: "older release",
    run: async (trial) => {
      await deployOver(trial, "good2");
      const result = await trial.deploy({ web: "good1" }, { ports: { isOlder: async () => true } });
      expect(result, trial.log.text()).toMatchObject({ outcome: "refused", cause: { cause: "older_release" } });
      expect(await trial.ledger()).toEqual([[1, "succeeded"]]);
      await trial.expectRunning({ web: ["good2", 2] });
      return result;
    },
  },
];

/** Every case that one run shows; those that need several processes are in `killed-runs.ts` and `two-runners.ts`. */
export const SCENARIOS: readonly Scenario[] = [...RELEASES, ...SURROUNDINGS, ...BEFORE, ...BY_HAND, ...GROUPS, ...RUNS];
