import type { Execution, Observation, Target, Wanted } from "@belay/core";
import { graceMsOf } from "./containers/container-changes.ts";
import { collectDossier } from "./evidence/collect-dossier.ts";
import { giveAdvice } from "./evidence/give-advice.ts";
import { holdCrashed } from "./evidence/hold-crashed.ts";
import { ComposeCli } from "./files/compose-cli.ts";
import type { ComposeTargetOptions } from "./files/compose-options.ts";
import { planExecution } from "./forward/plan-execution.ts";
import { endedWithEngine } from "./observe/ended-with-engine.ts";
import type { InstanceMemo } from "./observe/instance-memo.ts";
import { type Knowledge, translateService } from "./observe/translate-observation.ts";
import { unlessEngineEnds } from "./observe/unless-engine-ends.ts";
import { makePlan } from "./plan/make-plan.ts";
import { PlanDetail } from "./plan/plan-detail.ts";
import { readRunning } from "./read-running.ts";
import { type EngineTime, TargetState } from "./target-state.ts";
import { VolumeRecordStore } from "./volume-record-store.ts";
import { makeRestorationPlan } from "./way-back/make-restoration-plan.ts";
import { planRestoration } from "./way-back/plan-restoration.ts";
import { decodeSnapshot, takeSnapshot } from "./way-back/snapshot.ts";
import { asRestored } from "./way-back/snapshot-members.ts";

/**
 * A Docker Compose project as a target. Compose renders the files and creates containers; everything else goes through the
 * engine's API. Services of the files that are not in the release are never changed.
 *
 * @throws BelayError TOOL_MISSING or TOOL_TOO_OLD for the compose plugin, or what the engine's client throws.
 */
export async function createComposeTarget(options: ComposeTargetOptions): Promise<Target> {
  const [cli, engineTime] = await Promise.all([ComposeCli.create(options), readEngineTime(options)]);
  const state = new TargetState(options, cli, engineTime);
  return {
    kind: "compose",
    refusesStale: false,
    scope: options.scope,
    store: new VolumeRecordStore(options.docker, options.scope),
    plan: (release, policy) => makePlan(state, release, policy),
    snapshot: (plan) => takeSnapshot(PlanDetail.open(plan.detail), state.engineNow(), options.docker),
    execution: (plan, context) => whileItLives(state, planExecution(state, PlanDetail.open(plan.detail), context)),
    restoration: async (bytes, context) => {
      const plan = () => planRestoration(state, decodeSnapshot(bytes), context);
      return whileItLives(state, await unlessEngineEnds(surroundingsOf(state), plan));
    },
    planRestoration: (snapshots, policy) => makeRestorationPlan(state, snapshots.map(decodeSnapshot), policy),
    observe: (wanted, signal) => observe(state, wanted, signal),
    changes: (signal) => state.watch.follow(signal),
    dossier: (wanted, observation, signal) => collectDossier(state, wanted, observation, signal),
    hold: (observation, signal) => holdCrashed(state, observation, signal),
    running: () => readRunning(state),
    advice: () => giveAdvice(state),
    close: async () => state.watch.close(),
  };
}

function surroundingsOf(state: TargetState): Parameters<typeof unlessEngineEnds>[0] {
  return { clock: state.options.clock, engineNow: () => state.engineNow(), signs: state.watch };
}

/** What an engine refuses because it ends is done when it is back. */
function whileItLives(state: TargetState, execution: Execution): Execution {
  const stages = execution.stages.map(({ act, ...stage }) => {
    return { ...stage, act: (signal: AbortSignal) => unlessEngineEnds(surroundingsOf(state), () => act(signal)) };
  });
  return { ...execution, stages };
}

/** How long an engine that is back may take to start its containers again, in milliseconds. */
const COMING_BACK_MS = 5_000;

/** What tells who has ended a container. */
function endingsOf(state: TargetState): Pick<Knowledge, "noteOf" | "diedWithEngine" | "engineIsBack" | "now"> {
  const { watch } = state;
  const now = state.engineNow();
  const away = watch.gaps.at(-1);
  return {
    now,
    noteOf: (id) => watch.noteOf(id),
    diedWithEngine: (container) =>
      endedWithEngine(container, {
        ...{ note: watch.noteOf(container.id), gaps: watch.gaps, allTold: (at) => watch.allTold(at), now },
        graceMs: graceMsOf(container.inspect),
      }),
    engineIsBack: away?.to !== undefined && now - away.to > COMING_BACK_MS,
  };
}

/** Asked while the compose plugin says its version: when the answer came has to be noted at once. */
async function readEngineTime({ docker, clock }: ComposeTargetOptions): Promise<EngineTime> {
  const { SystemTime } = await docker.info();
  return { at: Date.parse(SystemTime), now: clock.now() };
}

async function observe(state: TargetState, wanted: readonly Wanted[], signal: AbortSignal): Promise<Observation> {
  const nameOf = (service: string): string => state.options.services[service]?.name ?? service;
  const names = new Set(wanted.map(({ service }) => nameOf(service)));
  const containers = await state.watch.read(names, "judged", signal);
  const ids = containers.map(({ inspect }) => inspect.Image);
  const digests = await state.images.digestsOf(ids, signal);
  const known = {
    digests,
    stopping: state.stopping,
    ...endingsOf(state),
    conditions: state.conditions,
    restarted: state.restarted,
  };
  const { restoring, memo } = state;
  const instanceOf: InstanceMemo["instanceOf"] = (one, container, facts) => memo.instanceOf(one, container, facts);
  const byService = Map.groupBy(containers, ({ service }) => service);
  const before = new Map(restoring?.services.map((one) => [one.service, one]));
  const services = wanted.map((one) => {
    const own = (byService.get(nameOf(one.service)) ?? []).filter((container) => !state.isBeside(container));
    const was = before.get(one.service);
    const judged = was === undefined ? own : asRestored(own, was, restoring?.at, one.revision);
    const way = state.lookAt(one, judged);
    return translateService(one, judged, way === undefined ? known : { ...known, way }, instanceOf);
  });
  return { at: state.engineNow(), services, probes: [] };
}
