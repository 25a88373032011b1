import { scopeHash } from "@belay/core";
import type { Service, ServiceSpec, UpdateConfig } from "@belay/docker";
import type { Write } from "../change/write-services.ts";
import { taskRevision } from "../observe/task-revision.ts";
import { cameWithLabels } from "../spec/came-with-labels.ts";
import { normalFrame } from "../spec/normal-spec.ts";
import { layAside, withOwnUpdateConfig } from "../spec/own-update-config.ts";
import { readLabels } from "../spec/service-labels.ts";
import { isJob, withReplicas } from "../spec/service-mode.ts";
import type { ServiceSnapshot, Snapshot } from "../spec/snapshot.ts";
import type { TargetState } from "../target-state.ts";

export interface Restoration {
  readonly was: ServiceSnapshot;
  readonly snapshot: Snapshot;
  /** Id of a network in the snapshot → id now. */
  readonly networks: ReadonlyMap<string, string>;
  /** Another run may still have a request on its way: each service is written once, so that such a one is refused. */
  readonly fencing: boolean;
}

/** Gives a service its old spec back, from whatever it has now. Nothing is sent when it has it, and nobody is fenced. */
export function restoreService(state: TargetState, restoration: Restoration): Write {
  const { was } = restoration;
  let fenced = !restoration.fencing;
  return {
    service: was.service,
    name: was.name,
    make: (live) => {
      if (was.spec === undefined) return undefined;
      const spec = oldSpec(was, was.spec, live, restoration);
      if (live === undefined) {
        state.options.log.info(`creating ${was.name} again`);
        return spec;
      }
      if (isSomebodyElses(state, was, live)) {
        // The judge is told of it by the next look: what was written is not what is in force.
        state.written.set(was.name, was.revision);
        state.options.log.warn(`${was.name} was changed by somebody else since the deployment: it is left as it is`);
        return undefined;
      }
      state.written.set(was.name, was.revision);
      if (fenced && isInForce(state, live.Spec, spec)) return undefined;
      // Writing a job runs it again.
      if (isJob(spec) && isInForce(state, live.Spec, spec)) return undefined;
      fenced = true;
      state.options.log.info(`restoring ${was.name}`);
      return spec;
    },
  };
}

/** The old spec with what the deployment did not change as it is now, and with update settings for the way back. */
function oldSpec(
  was: ServiceSnapshot,
  spec: ServiceSpec,
  live: Service | undefined,
  { networks }: Restoration,
): ServiceSpec {
  const { Networks } = spec.TaskTemplate;
  const placed = Networks?.map((one) => ({ ...one, Target: networks.get(one.Target) ?? one.Target }));
  const whole = placed == null ? spec : { ...spec, TaskTemplate: { ...spec.TaskTemplate, Networks: placed } };
  return withUpdateSettings(keepScale(was, whole, live), was);
}

/** The live number stays, unless it is the one that the deployment wrote. */
function keepScale(was: ServiceSnapshot, spec: ServiceSpec, live: Service | undefined): ServiceSpec {
  const now = live?.Spec.Mode?.Replicated?.Replicas;
  return now === undefined || now === was.replicas ? spec : withReplicas(spec, now);
}

/**
 * Parallelism and order stay the user's: the engine had room for that on the way forward. Without his delay, because the bad
 * release should go. The engine goes on whatever happens: `rollback` could bring the bad release back (seen), and `pause`
 * would stop half-way for a task that a drained node ended (seen). Should this run die, the engine still goes the whole way.
 */
function withUpdateSettings(spec: ServiceSpec, was: ServiceSnapshot): ServiceSpec {
  // Engines refuse update settings for jobs. Without any, their own hold: parallelism 1, and pause.
  if (isJob(spec)) return spec;
  const meanwhile: UpdateConfig = { Parallelism: 1, ...spec.UpdateConfig, FailureAction: "continue", Delay: 0 };
  return needsSettling(was) ? layAside(spec, meanwhile) : { ...spec, UpdateConfig: meanwhile };
}

/** Whether the user's own update settings are others than those of the way back. */
export function needsSettling({ spec }: ServiceSnapshot): boolean {
  if (spec === undefined || isJob(spec)) return false;
  return spec.UpdateConfig?.FailureAction !== "continue" || (spec.UpdateConfig.Delay ?? 0) !== 0;
}

/** Puts the user's update settings back, and nothing else: no task is replaced for that. */
export function settleService(state: TargetState, was: ServiceSnapshot): Write {
  return {
    service: was.service,
    name: was.name,
    make: (live) => {
      if (live === undefined || was.spec === undefined || isSomebodyElses(state, was, live)) return undefined;
      const { UpdateConfig: _, ...rest } = withOwnUpdateConfig(live.Spec);
      const own = was.spec.UpdateConfig;
      const settled = own == null ? rest : { ...rest, UpdateConfig: own };
      return isInForce(state, live.Spec, settled) ? undefined : settled;
    },
  };
}

/**
 * Neither the old template nor one that Belay wrote: a person's, whose change is not overwritten. What the engine rolled back
 * is the old one, with its labels. A run may have died before it could put on the label what the engine made of its spec.
 */
function isSomebodyElses(state: TargetState, was: ServiceSnapshot, live: Service): boolean {
  const now = taskRevision(live.Spec.TaskTemplate, state.directory.networks);
  if (now === was.revision) return false;
  const labels = readLabels(live.Spec);
  return labels.scope !== scopeHash(state.options.scope) || (labels.revision !== now && !cameWithLabels(live));
}

/** Nothing would be new, as far as anybody can tell. */
function isInForce(state: TargetState, live: ServiceSpec, wanted: ServiceSpec): boolean {
  const { networks } = state.directory;
  const whole = (spec: ServiceSpec): string => normalFrame(spec, "with labels of Belay");
  return (
    taskRevision(live.TaskTemplate, networks) === taskRevision(wanted.TaskTemplate, networks) &&
    whole(live) === whole(wanted)
  );
}
