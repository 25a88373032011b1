import {
  dependencyOrder,
  knownDigests,
  LABELS,
  pinnedReference,
  type Release,
  type Scope,
  scopeHash,
} from "@belay/core";
import type { Service, ServiceSpec } from "@belay/docker";
import type { DesiredStack } from "../desired.ts";
import { taskRevision } from "../observe/task-revision.ts";
import { digestsIn } from "../observe/translate-task.ts";
import { type NetworkNames, normalFrame } from "../spec/normal-spec.ts";
import { readLabels } from "../spec/service-labels.ts";
import { goalOf, isJob, wantedTasks, withReplicas } from "../spec/service-mode.ts";
import { desireExisting } from "./desire-existing.ts";
import { GONE, type PlannedService } from "./plan-detail.ts";
import { inWrittenOrder, type Ordered } from "./written-order.ts";

/** What the swarm shows before a plan is made. */
export interface SwarmNow {
  readonly scope: Scope;
  readonly services: readonly Service[];
  readonly networks: NetworkNames;
  /** Tasks of a service that are right, by its id. */
  readonly ready: ReadonlyMap<string, number>;
  /** Ids of services whose tasks are not all of the revision in force, although nothing is under way. */
  readonly mixed: ReadonlySet<string>;
  /** How many nodes a service without a number of its own runs on. */
  readonly nodesOf: (spec: ServiceSpec) => number;
}

/** What has to be done for each service of the release that exists already. Pure. @throws as {@link desireExisting} */
export function planExisting(now: SwarmNow, release: Release, nameOf: (service: string) => string): Ordered {
  const { images, findings } = desireExisting(release, nameOf, now.services);
  const ordered = inWrittenOrder(images.map((one) => planOne(now, { ...one, dependsOn: [] })));
  // What depends on one that is missing must not be told that the release does not have it.
  return findings.length === 0 ? ordered : { ...ordered, findings };
}

/** What has to be done for each service of a stack. Pure. */
export function planStack(now: SwarmNow, stack: DesiredStack, release: Release): PlannedService[] {
  const services = stack.services.map(({ service, name, spec, goal, dependsOn }) => {
    const current = now.services.find((one) => one.Spec.Name === name);
    const identity = release.services[service];
    const image = (identity && pinnedReference(identity)) ?? spec.TaskTemplate.ContainerSpec?.Image ?? "";
    const digests = identity === undefined ? digestsIn(image) : knownDigests(identity);
    const written = spec.Mode?.Replicated?.Replicas;
    const draft = (live: ServiceSpec | undefined): ServiceSpec => wholeSpec(spec, live);
    const replicas = written === undefined ? {} : { replicas: written };
    return planOne(now, {
      service,
      name,
      goal,
      dependsOn,
      ...(current && { current }),
      image,
      digests,
      draft,
      ...replicas,
    });
  });
  const pruned = stack.prune.flatMap((name) => now.services.find((one) => one.Spec.Name === name) ?? []);
  return [...dependencyOrder(services), ...pruned.map((current) => removalOf(now, current))];
}

/** The files' spec on top of what is the engine's or a person's: the scale that the files don't say, and forced updates. */
export function wholeSpec(spec: ServiceSpec, live: ServiceSpec | undefined): ServiceSpec {
  const force = live?.TaskTemplate.ForceUpdate;
  const whole: ServiceSpec = {
    ...spec,
    TaskTemplate: { ...spec.TaskTemplate, ...(force === undefined ? {} : { ForceUpdate: force }) },
  };
  const said = spec.Mode?.Replicated?.Replicas;
  return withReplicas(whole, said ?? live?.Mode?.Replicated?.Replicas ?? 1);
}

type Draft = Omit<PlannedService, "action" | "desired" | "ready" | "revision"> & {
  readonly draft: NonNullable<PlannedService["draft"]>;
};

export function planOne(now: SwarmNow, draft: Draft): PlannedService {
  const { current } = draft;
  const spec = draft.draft(current?.Spec);
  const revision = taskRevision(spec.TaskTemplate, now.networks);
  const planned = {
    ...draft,
    desired: wantedTasks(spec) ?? now.nodesOf(spec),
    ready: now.ready.get(current?.ID ?? "") ?? 0,
    revision,
  };
  if (current === undefined) return { ...planned, action: "create" };
  return { ...planned, action: isUnchanged(now, current, spec, revision) ? "unchanged" : "update" };
}

export function removalOf(now: SwarmNow, current: Service): PlannedService {
  const name = current.Spec.Name;
  const service = current.Spec.Labels?.[LABELS.service] ?? name.replace(`${now.scope.project}_`, "");
  const ready = now.ready.get(current.ID) ?? 0;
  const image = current.Spec.TaskTemplate.ContainerSpec?.Image ?? "";
  const goal = goalOf(current.Spec);
  return { service, name, action: "remove", goal, desired: 0, dependsOn: [], current, ready, image, ...GONE };
}

/** The same spec, written by this scope, and no task of another revision left: an update that was broken off is not done. */
function isUnchanged(now: SwarmNow, current: Service, spec: ServiceSpec, revision: string): boolean {
  const labels = readLabels(current.Spec);
  // A job is run again by every update, even one that only adds labels.
  const own = labels.scope === scopeHash(now.scope) || (labels.scope === undefined && isJob(spec));
  if (!own || now.mixed.has(current.ID)) return false;
  return (
    taskRevision(current.Spec.TaskTemplate, now.networks) === revision &&
    normalFrame(current.Spec, "without") === normalFrame(spec, "without")
  );
}
