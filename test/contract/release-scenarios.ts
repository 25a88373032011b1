import type { Cause } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import { expect } from "vitest";
import type { CaseName } from "./cases.ts";
import { deployOver, expectDone, expectRolledBack, OLD, type Scenario, STARTED, type Usual, WEB } from "./scenario.ts";
import { expectTold } from "./told.ts";
import type { Trial } from "./trial.ts";
import { CRASH_CODE, CRASH_LINE, MEMORY_LIMIT, type VariantName } from "./variants.ts";

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

const ILL: readonly Cause[] = ["unhealthy", "readiness_lost", "startup_killed", "start_timeout"];

/** Releases that run, or not. */
export const RELEASES: readonly Scenario[] = [
  good("good", "good1", "good2"),
  bad("crash at start", "crash", STARTED, ({ report }) => {
    expect(report.evidence[0]).toMatchObject({ service: "web", exitCode: CRASH_CODE });
    expect(report.evidence.flatMap((one) => one.logLines).join("\n")).toContain(CRASH_LINE);
    expect(report.running).toMatchObject([{ service: "web", ready: 2 }]);
    const comment = expectTold(report);
    expect(comment).toContain(`exit code ${CRASH_CODE}`);
    expect(comment).toContain(CRASH_LINE);
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

/** Room for one more instance, and old ones that take all their time for their end and keep their room meanwhile. */
const NARROW: Usual = {
  web: { graceS: 20 },
  before: "stubborn",
  prepare: ({ app }) => app.hand.allowNoMore(1),
};

/** What the engine lacks for the new instances. */
export const SURROUNDINGS: readonly Scenario[] = [
  {
    name: "missing config",
    run: async (trial) => {
      const prepare = ({ app }: Trial) => app.hand.loseConfig("web");
      const result = await deployOver(trial, "good2", { web: { config: true }, prepare });
      // A file on a node of a swarm is seen by nobody before a task wants it; everywhere else nothing is touched.
      const [outcome, cause] =
        trial.app.scope.target === "swarm" ? ["rolled_back", "config_missing"] : ["refused", "preflight"];
      expect(result, trial.log.text()).toMatchObject({ outcome, cause: { cause } });
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
      await expectRolledBack(trial, result, ILL, { web: ["stubborn", 2] });
      return result;
    },
  },
];
