import { type Cause, knownDigests, type TargetKind } from "@belay/core";
import type { DeploymentResult, RolloutEvent } from "@belay/rollout";
import { expect } from "vitest";
import type { CaseName } from "./cases.ts";
import {
  deployOver,
  expectDone,
  expectRolledBack,
  OLD,
  type Scenario,
  SICK,
  STARTED,
  type Usual,
  WEB,
} from "./scenario.ts";
import { expectLikely, expectTold } from "./told.ts";
import type { Trial } from "./trial.ts";
import { CRASH_CODE, CRASH_LINE, MEMORY_LIMIT, SAID_TIMES, SECRET, type VariantName } from "./variants.ts";

/** Long enough that whoever only waits for the end of it is late. */
const PATIENCE = { startMs: 180_000, deadlineMs: 300_000 };
/**
 * A bad release is off again, and the old one proven, in seconds; a busy machine may take this long, in milliseconds. The
 * times that were seen are in the table.
 */
const OFF_MS = 60_000;

function bad(
  name: CaseName,
  variant: VariantName,
  causes: readonly Cause[] | Readonly<Record<TargetKind, readonly Cause[]>>,
  evidence: (result: DeploymentResult, trial: Trial) => void | Promise<void> = () => undefined,
  { options, afterMs = 0, ...usual }: Usual & { readonly afterMs?: number } = {},
): Scenario {
  return {
    name,
    run: async (trial) => {
      const policy = { ...PATIENCE, ...options?.policy };
      const result = await deployOver(trial, variant, { ...usual, options: { ...options, policy } });
      await expectRolledBack(trial, result, "swarm" in causes ? causes[trial.app.scope.target] : causes);
      expect(trial.lastMs).toBeLessThan(OFF_MS + afterMs);
      await evidence(result, trial);
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

/** What their health checks are answered. */
const NOT_FOUND = "404";
/** Never healthy: on Kubernetes its start-up probe says so. */
const ILL = { compose: ["unhealthy"], swarm: ["unhealthy"], kubernetes: ["startup_killed"] } as const;
const STABLE = { options: { policy: { stableMs: 10_000 } }, afterMs: 30_000 };

/** Releases that run, or not. */
export const RELEASES: readonly Scenario[] = [
  good("good", "good1", "good2"),
  bad("crash at start", "crash", STARTED, ({ cause, report }) => {
    expect(report.evidence[0]).toMatchObject({ service: "web", exitCode: CRASH_CODE });
    expect(report.evidence.flatMap((one) => one.logLines).join("\n")).toContain(CRASH_LINE);
    expect(report.running).toMatchObject([{ service: "web", ready: 2 }]);
    const comment = expectTold(report);
    expect(comment).toContain(`exit code ${CRASH_CODE}`);
    expect(comment).toContain(CRASH_LINE);
    expectLikely(report, CRASH_LINE);
    expect(report.evidence.map(({ instance }) => instance)).toContain(cause?.instance);
    expectLikely(report, cause?.instance ?? "no instance");
  }),
  bad(
    "out of memory",
    "oom",
    ["oom_killed"],
    ({ report }) => {
      expect(report.evidence.some((one) => one.oomKilled === true)).toBe(true);
      expectLikely(report, "needs more memory");
    },
    { web: { memory: MEMORY_LIMIT } },
  ),
  bad("unhealthy", "unhealthy", ILL, ({ report }) => {
    expect(report.evidence[0]?.service).toBe("web");
    expectLikely(report, NOT_FOUND);
  }),
  bad("unhealthy, told with its evidence", "talks", ILL, expectEvidence, {
    prepare: async (trial) => trial.redactor.add(SECRET),
  }),
  {
    name: "unhealthy after 6 s",
    run: (trial) => {
      let wasReady = false;
      const onEvent = (event: RolloutEvent): void => {
        if (event.kind !== "observed" || event.direction !== "forward" || event.verdict.kind !== "progressing") return;
        wasReady ||= event.services.some(({ ready }) => ready > 0);
      };
      const usual = { ...STABLE, options: { ...STABLE.options, ports: { onEvent } } };
      return bad("unhealthy after 6 s", "sickens", SICK, () => expect(wasReady).toBe(true), usual).run(trial);
    },
  },
  good("slow start within its start period", "good1", "slow"),
  bad("flapping", "flapping", SICK, undefined, STABLE),
  bad("wrong command", "wrong-command", ["start_failed"], ({ cause, report }) => {
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
      const { wanted } = await trial.expectRunning({});
      // Compose keeps no image for what has no container: there is nothing to change.
      const outcome = trial.app.scope.target === "compose" ? "unchanged" : "succeeded";
      expect(result, trial.why(result)).toMatchObject({ outcome, leftOpen: false });
      if (outcome === "succeeded") expect(knownDigests(await trial.app.identity("good2"))).toContain(wanted?.web);
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
      expect(result, trial.why(result)).toMatchObject({ outcome: "refused", cause: { cause: "preflight" } });
      expect(await trial.ledger()).toEqual([]);
      expect(await before()).toEqual(untouched);
      await trial.expectRunning(OLD);
      return result;
    },
  },
  {
    name: "no way back",
    run: async (trial) => {
      await trial.app.define(WEB);
      await trial.app.hand.up({ web: LOST });
      await trial.app.hand.loseImage("web", LOST);
      const untouched = await trial.seen();
      const result = await trial.deploy({ web: "good2" });
      const refusedMs = trial.lastMs;
      const { digest = "" } = await trial.app.identity(LOST);
      expect(result, trial.why(result)).toMatchObject({
        outcome: "refused",
        cause: { cause: "preflight", service: "web", detail: expect.stringContaining(digest) },
      });
      const finding = (level: string) => expect.objectContaining({ level, check: "no_way_back", service: "web" });
      expect(result.report.findings).toContainEqual(finding("refuse"));
      expect(await trial.ledger()).toEqual([]);
      expect(await trial.expectRunning({ web: [LOST, 2] })).toEqual(untouched);
      const allowed = await trial.deploy({ web: "good2" }, { policy: { allowNoWayBack: true } });
      await expectDone(trial, allowed, { web: ["good2", 2] });
      expect(allowed.report.findings).toContainEqual(finding("warn"));
      // The table tells of the refusal.
      trial.lastMs = refusedMs;
      return result;
    },
  },
];

/** An image that nothing else uses, so that it can be taken away. */
const LOST: VariantName = `good${process.pid}`;

/** Room for one more instance, and old ones that take all their time for their end and keep their room meanwhile. */
const NARROW: Usual = {
  web: { graceS: 20 },
  before: "stubborn",
  prepare: ({ app }) => app.hand.allowNoMore(1),
};

/** The last lines, what the health check said, the engine's events; no secret in any of it, nor in the ledger. */
async function expectEvidence({ report }: DeploymentResult, trial: Trial): Promise<void> {
  const [first] = report.evidence;
  expect(first?.logLines).toHaveLength(50);
  expect(first?.logLines.at(-1)).toBe(`said ${SAID_TIMES} ***`);
  expect(first?.healthOutput).toContain(NOT_FOUND);
  expect(first?.events).not.toEqual([]);
  expect(expectTold(report)).toContain(`said ${SAID_TIMES} ***`);
  expectLikely(report, NOT_FOUND);
  expect(JSON.stringify([report, await trial.history()])).not.toContain(SECRET);
}

/** What the engine lacks for the new instances. */
export const SURROUNDINGS: readonly Scenario[] = [
  {
    name: "missing config",
    run: async (trial) => {
      const prepare = ({ app }: Trial) => app.hand.loseConfig("web");
      const result = await deployOver(trial, "good2", {
        web: { config: true },
        prepare,
        options: { policy: PATIENCE },
      });
      // A file on a node of a swarm is seen by nobody before a task wants it; everywhere else nothing is touched.
      const [outcome, cause] =
        trial.app.scope.target === "swarm" ? ["rolled_back", "config_missing"] : ["refused", "preflight"];
      expect(result, trial.why(result)).toMatchObject({ outcome, cause: { cause } });
      expect(trial.lastMs).toBeLessThan(OFF_MS);
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
      const options = { policy: PATIENCE, ports: { onStep } };
      const result = await deployOver(trial, "good2", { web: { config: true }, options });
      await expectRolledBack(trial, result, ["config_missing"]);
      expect(trial.lastMs).toBeLessThan(OFF_MS);
      return result;
    },
  },
  {
    name: "unschedulable",
    run: async (trial) => {
      const prepare = ({ app }: Trial) => app.define({ web: { replicas: 2, nowhere: true } });
      const result = await deployOver(trial, "good2", { prepare, options: { policy: PATIENCE } });
      await expectRolledBack(trial, result, ["unschedulable"]);
      expect(trial.lastMs).toBeLessThan(OFF_MS);
      return result;
    },
  },
  {
    name: "quota",
    run: async (trial) => {
      const prepare = ({ app }: Trial) => app.hand.allowNoMore();
      const result = await deployOver(trial, "good2", { prepare, options: { policy: PATIENCE } });
      await expectRolledBack(trial, result, ["quota"]);
      expect(trial.lastMs).toBeLessThan(OFF_MS);
      return result;
    },
  },
  {
    name: "quota that a terminating pod still holds",
    run: async (trial) => {
      const result = await deployOver(trial, "good2", NARROW);
      await expectDone(trial, result, { web: ["good2", 2] });
      return result;
    },
  },
  {
    // It sickens while the second pod waits for room, and the way back finds the quota filled in the same way.
    name: "quota that a terminating pod still holds, bad",
    run: async (trial) => {
      const result = await deployOver(trial, "sickens", NARROW);
      await expectRolledBack(trial, result, SICK[trial.app.scope.target], { web: ["stubborn", 2] });
      return result;
    },
  },
];
