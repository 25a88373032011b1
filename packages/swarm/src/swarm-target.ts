import { BelayError, type Target } from "@belay/core";
import type { EngineInfo } from "@belay/docker";
import { planExecution } from "./change/plan-execution.ts";
import { collectDossier } from "./evidence/collect-dossier.ts";
import { giveAdvice } from "./evidence/give-advice.ts";
import { observeServices } from "./observe/observe-services.ts";
import { makePlan } from "./plan/make-plan.ts";
import { PlanDetail } from "./plan/plan-detail.ts";
import { readRunning } from "./read-running.ts";
import { decodeSnapshot, encodeSnapshot } from "./spec/snapshot.ts";
import type { SwarmOptions } from "./swarm-options.ts";
import { TargetState } from "./target-state.ts";
import { makeRestorationPlan } from "./way-back/make-restoration-plan.ts";
import { planRestoration } from "./way-back/plan-restoration.ts";
import { takeSnapshot } from "./way-back/take-snapshot.ts";

/**
 * Services of a Docker Swarm as a target: existing ones get another image as by `docker service update --image`, or a whole
 * stack is carried out from its files. Services that are in neither are never changed.
 *
 * @throws BelayError INVALID_INPUT when the engine is no manager of a swarm, ENGINE_UNREACHABLE when it does not get so far
 * as to be one again, or what the engine's client throws.
 */
export async function createSwarmTarget(options: SwarmOptions): Promise<Target> {
  const info = await askManager(options);
  const state = new TargetState(options, info.Swarm?.NodeID ?? "", Date.parse(info.SystemTime));
  return {
    kind: "swarm",
    refusesStale: true,
    scope: options.scope,
    store: state.store,
    plan: (release, policy) => makePlan(state, release, policy),
    planRestoration: (snapshots, policy) => makeRestorationPlan(state, snapshots, policy),
    snapshot: async (plan) => encodeSnapshot(await takeSnapshot(state, PlanDetail.open(plan.detail))),
    execution: (plan, context) => planExecution(state, PlanDetail.open(plan.detail), context),
    restoration: async (bytes, context) => planRestoration(state, decodeSnapshot(bytes), context),
    observe: (wanted, signal) => observeServices(state, wanted, signal),
    changes: (signal) => state.watch.follow(signal),
    dossier: (wanted, observation, signal) => collectDossier(state, wanted, observation, signal),
    running: () => readRunning(state),
    advice: () => giveAdvice(state),
    close: async () => {},
  };
}

/** How long an engine that has just come up may take to be the swarm's again, which it says itself. */
const PENDING = { pauseMs: 500, times: 40 } as const;

async function askManager({ docker, clock }: SwarmOptions): Promise<EngineInfo> {
  for (let asked = 0; ; asked++) {
    const info = await docker.info();
    if (info.Swarm?.LocalNodeState !== "pending" || asked === PENDING.times) {
      requireManager(info, docker.endpoint);
      return info;
    }
    await clock.sleep(PENDING.pauseMs);
  }
}

/** Workers know nothing of services, and managers without a quorum can't change any. */
function requireManager({ Swarm }: EngineInfo, endpoint: string): void {
  const state = Swarm?.LocalNodeState ?? "inactive";
  if (state === "active" && Swarm?.ControlAvailable === true) return;
  const doing = `looking for the swarm (${endpoint})`;
  if (state === "active") {
    throw new BelayError("INVALID_INPUT", {
      doing,
      got: "this engine is a worker: only a manager of the swarm can deploy",
      next: "Give the context or host of a manager.",
    });
  }
  if (state === "pending") {
    throw new BelayError("ENGINE_UNREACHABLE", {
      doing,
      got: `the engine still waits for the swarm${Swarm?.Error ? ` (${Swarm.Error})` : ""}`,
      next: "Look at its other managers: docker node ls. Without most of them the swarm does nothing.",
    });
  }
  const why = Swarm?.Error ? ` (${Swarm.Error})` : "";
  throw new BelayError("INVALID_INPUT", {
    doing,
    got: state === "locked" ? "the swarm is locked" : `this engine is in no swarm that works: it is ${state}${why}`,
    next: state === "locked" ? "Unlock it: docker swarm unlock" : "Give a manager's context, or run: docker swarm init",
  });
}
