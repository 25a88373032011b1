import type { Cause, Outcome } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import { expect } from "vitest";
import type { CaseName } from "./cases.ts";
import type { Definitions } from "./stand.ts";
import type { DeployOptions, Running, Trial } from "./trial.ts";
import type { VariantName } from "./variants.ts";

/** A case that runs on every engine: what a user has, what Belay is told, and what must be true at the end. */
export interface Scenario {
  readonly name: CaseName;
  /** @returns the deployment that the table tells of. */
  run(trial: Trial): Promise<DeploymentResult>;
}

export const WEB: Definitions = { web: { replicas: 2 } };
export const OLD: Running = { web: ["good1", 2] };

/** The usual case: `before` runs, brought up by hand; `variant` is deployed. */
export interface Usual {
  readonly web?: Definitions["web"];
  readonly before?: VariantName;
  readonly prepare?: (trial: Trial) => Promise<void>;
  readonly options?: DeployOptions;
}

export async function deployOver(trial: Trial, variant: VariantName, usual: Usual = {}): Promise<DeploymentResult> {
  await trial.app.define({ web: { replicas: 2, ...usual.web } });
  await trial.app.hand.up({ web: usual.before ?? "good1" });
  await usual.prepare?.(trial);
  return trial.deploy({ web: variant }, usual.options);
}

/** It was taken off for one of these causes, the old release is proven, and the ledger has it so. */
export async function expectRolledBack(
  trial: Trial,
  result: DeploymentResult,
  causes: readonly Cause[],
  old: Running = OLD,
): Promise<void> {
  expect(result, trial.why(result)).toMatchObject({ outcome: "rolled_back", leftOpen: false });
  expect(causes).toContain(result.cause?.cause);
  expect(result.cause?.service).toBe("web");
  expect((await trial.ledger())[0]).toEqual([result.report.deployment, "rolled_back"]);
  const end = (await trial.history())[0]?.end;
  expect(end?.cause?.cause).toBe(result.cause?.cause);
  await trial.expectRunning(old);
}

export async function expectDone(
  trial: Trial,
  result: DeploymentResult,
  runs: Running,
  outcome: Outcome = "succeeded",
): Promise<void> {
  expect(result, trial.why(result)).toMatchObject({ outcome, leftOpen: false });
  if (result.report.deployment !== undefined)
    expect((await trial.ledger())[0]).toEqual([result.report.deployment, outcome]);
  await trial.expectRunning(runs);
}

/** It ends after its start. No crash is tolerated (`POLICY`), so that it never is one end of several. */
export const STARTED: readonly Cause[] = ["crash_loop"];

/** Healthy at first: on Kubernetes the readiness probe and the liveness probe may be first. */
export const SICK = {
  compose: ["unhealthy"],
  swarm: ["unhealthy"],
  kubernetes: ["unhealthy", "readiness_lost"],
} as const;
