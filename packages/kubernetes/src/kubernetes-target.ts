import type { Observation, Target, Wanted } from "@belay/core";
import { collectDossier } from "./collect-dossier.ts";
import { giveAdvice } from "./give-advice.ts";
import type { KubernetesTargetOptions } from "./kubernetes-options.ts";
import { makePlan } from "./make-plan.ts";
import { translateService } from "./observe/translate-service.ts";
import { PlanDetail } from "./plan-detail.ts";
import { planExecution } from "./plan-execution.ts";
import { planRestoration } from "./plan-restoration.ts";
import { planReturn } from "./plan-return.ts";
import { readRunning } from "./read-running.ts";
import { SecretRecordStore } from "./secret-record-store.ts";
import { decodeSnapshot, encodeSnapshot } from "./snapshot.ts";
import { TargetState } from "./target-state.ts";

/**
 * A namespace of a Kubernetes cluster as a target. What the cluster's controllers do is watched pod by pod; what Belay
 * changes, it changes by a verb that leaves other owners' fields alone.
 */
export async function createKubernetesTarget(options: KubernetesTargetOptions): Promise<Target> {
  const state = new TargetState(options);
  const verbs = state.verb.bind(state);
  return {
    kind: "kubernetes",
    scope: options.scope,
    store: new SecretRecordStore(options.api, options.scope),
    plan: (release, policy) => makePlan(state, release, policy),
    snapshot: async (plan) => {
      const place = { namespace: options.api.namespace, at: options.api.now() };
      return encodeSnapshot(PlanDetail.open(plan.detail), verbs, place);
    },
    execution: (plan, context) => planExecution(state, PlanDetail.open(plan.detail), context),
    restoration: (bytes, context) => planRestoration(state, decodeSnapshot(bytes), context),
    planRestoration: (snapshots, policy) => planReturn(state, snapshots.map(decodeSnapshot), policy),
    observe: (wanted, signal) => observe(state, wanted, signal),
    changes: (signal) => state.watch.follow(state.kindsFor(state.services), signal),
    dossier: (wanted, observation, signal) => collectDossier(state, wanted, observation, signal),
    running: () => readRunning(state),
    advice: () => giveAdvice(state),
    close: async () => {},
  };
}

async function observe(state: TargetState, wanted: readonly Wanted[], signal: AbortSignal): Promise<Observation> {
  const view = await state.watch.read(state.kindsFor(wanted.map(({ service }) => service)), signal);
  const services = wanted.map((one) => translateService(one, state.keyOf(one.service), view));
  return { at: state.api.now(), services, probes: [] };
}
