import type { Target } from "@belay/core";
import { planExecution } from "./change/plan-execution.ts";
import { collectDossier } from "./evidence/collect-dossier.ts";
import { giveAdvice } from "./evidence/give-advice.ts";
import type { KubernetesTargetOptions } from "./kubernetes-options.ts";
import { observeServices } from "./observe/observe-services.ts";
import { makePlan } from "./plan/make-plan.ts";
import { PlanDetail } from "./plan-detail.ts";
import { readRunning } from "./read-running.ts";
import { SecretRecordStore } from "./secret-record-store.ts";
import { decodeSnapshot, encodeSnapshot } from "./snapshot.ts";
import { TargetState } from "./target-state.ts";
import { planRestoration } from "./way-back/plan-restoration.ts";
import { planReturn } from "./way-back/plan-return.ts";

/**
 * A namespace of a Kubernetes cluster as a target. What the cluster's controllers do is watched pod by pod; what Belay
 * changes, it changes by a verb that leaves other owners' fields alone.
 */
export async function createKubernetesTarget(options: KubernetesTargetOptions): Promise<Target> {
  const state = new TargetState(options);
  const verbs = state.verb.bind(state);
  return {
    kind: "kubernetes",
    refusesStale: true,
    scope: options.scope,
    store: new SecretRecordStore(options.api, options.scope, options.clock),
    plan: (release, policy) => makePlan(state, release, policy),
    snapshot: async (plan) => {
      const place = { namespace: options.api.namespace, at: options.api.now() };
      return encodeSnapshot(PlanDetail.open(plan.detail), verbs, place);
    },
    execution: (plan, context) => planExecution(state, PlanDetail.open(plan.detail), context),
    restoration: (bytes, context) => planRestoration(state, decodeSnapshot(bytes), context),
    planRestoration: (snapshots, policy) => planReturn(state, snapshots.map(decodeSnapshot), policy),
    observe: async (wanted, signal) => ({
      at: options.api.now(),
      services: await observeServices(state, wanted, signal),
      probes: [],
    }),
    changes: (signal) => state.watch.follow(state.kindsFor(state.services), signal),
    dossier: (wanted, observation, signal) => collectDossier(state, wanted, observation, signal),
    running: () => readRunning(state),
    advice: () => giveAdvice(state),
    close: async () => {},
  };
}
