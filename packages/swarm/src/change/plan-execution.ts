import {
  type DeploymentContext,
  dependencyLevels,
  type Execution,
  type ExecutionStage,
  inService,
  LABELS,
  LeftBehind,
  type Wanted,
} from "@belay/core";
import type { Service, ServiceSpec } from "@belay/docker";
import { shellWord } from "../evidence/give-advice.ts";
import { taskRevision } from "../observe/task-revision.ts";
import { isTouched, type PlanContents, type PlannedService } from "../plan/plan-detail.ts";
import { cameWithLabels } from "../spec/came-with-labels.ts";
import { deploymentLabels, readLabels } from "../spec/service-labels.ts";
import type { TargetState } from "../target-state.ts";
import { removeService } from "./remove-service.ts";
import { restoreNetworks } from "./restore-networks.ts";
import { movedOn, type Write, writeServices } from "./write-services.ts";

/** Requests to one manager at a time. */
const AT_ONCE = 4;

/**
 * The way forward.
 *
 * `update`, once per level of dependencies: the services get their new spec, and the engine replaces their tasks by the
 * user's own rules (parallelism, delay, order). It is done when no task of another revision is left, and the last one when
 * that has held for the stable window.
 * `prune`: services that the files no longer have go, after the new release was proven, and what nobody uses any more.
 *
 * The engine's own failure action stays the user's: Belay's judge is faster as a rule, and an engine that has rolled back by
 * itself has done the same thing.
 */
export function planExecution(state: TargetState, plan: PlanContents, context: DeploymentContext): Execution {
  state.beginWay(plan.services, context.deployment);
  for (const one of plan.services) if (!isTouched(one)) state.standing.set(one.name, one.revision);
  const wanted = plan.services.map(({ service, goal, desired, revision, digests }): Wanted => {
    return { service, goal, desired, revision, digests };
  });
  const removed = plan.services.filter(({ action }) => action === "remove");
  const kept = plan.services.filter(({ action }) => action !== "remove");
  const levels = dependencyLevels(kept.filter(isTouched));
  if (levels.length === 0 && removed.length === 0) {
    return { wanted, stages: [{ name: "verify", act: async () => {}, expect: "alone", stable: true }] };
  }
  const updates = levels.map((level, index): ExecutionStage => {
    const later = levels.slice(index + 1).flat();
    return {
      name: levels.length === 1 ? "update" : `update ${level.map(({ service }) => service).join(", ")}`,
      act: (signal) => update(state, plan, level, context, signal),
      expect: "alone",
      stable: later.length === 0,
      services: kept.filter((one) => !later.includes(one)).map(({ service }) => service),
    };
  });
  const left = new LeftBehind(state.options.log);
  const prune: ExecutionStage = {
    name: "prune",
    act: (signal) => clearAway(state, plan, { removed, left }, context, signal),
    expect: "alone",
    stable: levels.length === 0,
  };
  const stages = plan.stack === undefined && removed.length === 0 ? updates : [...updates, prune];
  return { wanted, stages, leftBehind: () => left.all() };
}

async function update(
  state: TargetState,
  plan: PlanContents,
  level: readonly PlannedService[],
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  await plan.stack?.create(deploymentLabels(state.options.scope, context), signal);
  if (plan.networks !== undefined) await restoreNetworks(state, plan.networks, signal);
  // Only what was made just now is not known yet.
  if ((plan.stack?.changes.length ?? 0) > 0) await state.directory.renewNetworks({ signal });
  const writes = level.map((one): Write => {
    return { service: one.service, name: one.name, make: (live) => specFor(state, one, live, context) };
  });
  await writeServices(state, writes, AT_ONCE, signal);
}

/** The spec to be sent; nothing when this deployment has sent it already. */
function specFor(
  state: TargetState,
  one: PlannedService,
  live: Service | undefined,
  context: DeploymentContext,
): ServiceSpec | undefined {
  if (one.draft === undefined) return undefined;
  const ours = live !== undefined && readLabels(live.Spec).deployment === context.deployment;
  if (ours && state.revisionInForce(live) === one.revision) return undefined;
  // Sent, with an answer that was lost, and shown otherwise by the engine: once more, so that it is looked at what that made.
  const again = ours && cameWithLabels(live);
  if (!again && (ours || hasMoved(state, one, live))) throw movedOn(one.name);
  state.options.log.info(`${live === undefined ? "creating" : "updating"} ${one.name}`);
  const spec = one.draft(live?.Spec);
  return labelled(state, one.service, spec, context);
}

/** Since the plan was made its tasks' spec became another one, or it came or went. */
function hasMoved(state: TargetState, { current }: PlannedService, live: Service | undefined): boolean {
  if (current === undefined || live === undefined) return (current === undefined) !== (live === undefined);
  return state.revisionInForce(current) !== state.revisionInForce(live);
}

/** With Belay's labels, which say what was written: a person who changes the template by hand leaves them as they are. */
export function labelled(
  state: TargetState,
  service: string,
  spec: ServiceSpec,
  context: Pick<DeploymentContext, "deployment" | "release">,
): ServiceSpec {
  const own = {
    ...deploymentLabels(state.options.scope, context),
    [LABELS.service]: service,
    [LABELS.revision]: taskRevision(spec.TaskTemplate, state.directory.networks),
  };
  return { ...spec, Labels: { ...spec.Labels, ...own } };
}

async function clearAway(
  state: TargetState,
  plan: PlanContents,
  { removed, left }: { readonly removed: readonly PlannedService[]; readonly left: LeftBehind },
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  left.begin();
  // A service that can't be removed goes on to serve: then the release as a whole does not run, and that is an error.
  for (const { service, name } of removed) await inService(service, () => removeService(state, name, signal));
  const numbers = (await state.store.list()).map((name) => Number(name.split(".")[0])).filter(Number.isSafeInteger);
  const oldestKept = Math.min(context.deployment, ...numbers);
  const docker = ["docker", ...(state.options.cliArgs ?? [])];
  await plan.stack?.tidy({ oldestKept, deployment: context.deployment }, signal, (kind, name, work) => {
    const command = [...docker, kind, "rm", name].map(shellWord).join(" ");
    return left.attempt({ what: `the ${kind} ${name}`, command }, work);
  });
}
