import {
  type Finding,
  knownDigests,
  mapBounded,
  type Plan,
  type Release,
  type RevisionFacts,
  type RolloutPolicy,
  type ServiceChange,
} from "@belay/core";
import type { DesiredObject, DesiredState } from "../desired.ts";
import { desireExisting, workloadKey } from "../existing/desire-existing.ts";
import { type KubernetesObject, type ObjectKey, titleOf } from "../kubernetes-object.ts";
import { deploymentOf, KUBERNETES_ANNOTATIONS } from "../marks.ts";
import { type NamespaceView, neededKinds } from "../observe/namespace-watch.ts";
import { digestsIn } from "../observe/translate-pod.ts";
import { podsOf, translateService } from "../observe/translate-service.ts";
import { isTouched, type PlanContents, PlanDetail, type PlannedObject, type PrunedObject } from "../plan-detail.ts";
import { autoscalerFloors } from "../preflight/hints.ts";
import { findObstacles } from "../preflight/obstacles.ts";
import { preflight } from "../preflight/preflight.ts";
import type { TargetState } from "../target-state.ts";
import { desiredOf, goalOf, imagesOf, isWorkload, isWorkloadKind, revisionOf, templateOf } from "../workload.ts";
import { inWrittenOrder } from "./depends-on.ts";
import { describeOthers } from "./describe-others.ts";

/** Requests at once while a plan is made. */
export const AT_ONCE = 8;
export const PLAN_MS = 120_000;

/** Reads what runs and what is wanted, has the API server try each change, and says what would be done. Changes nothing. */
export async function makePlan(state: TargetState, release: Release, policy: RolloutPolicy): Promise<Plan> {
  const signal = AbortSignal.timeout(PLAN_MS);
  const { desired, known } = await desire(state, release, signal);
  // None needs another's answer.
  const [objects, prune, surroundings] = await Promise.all([
    mapBounded(desired.objects, AT_ONCE, signal, (one) => planObject(state, one, known)),
    findPruned(state, desired.prune, signal),
    lookAround(state, [...desired.objects, ...desired.prune], signal),
  ]);
  return finishPlan(state, { objects, prune, desired, release, policy, surroundings }, signal);
}

/** What stands around the objects of a plan. */
export interface Surroundings {
  readonly view: NamespaceView;
  readonly floors: ReadonlyMap<string, number>;
}

/** Reads what stands around these objects, for {@link finishPlan}. */
export async function lookAround(
  state: TargetState,
  keys: readonly Pick<ObjectKey, "kind">[],
  signal: AbortSignal,
): Promise<Surroundings> {
  const kinds = neededKinds(keys.map(({ kind }) => kind));
  const [view, floors] = await Promise.all([state.watch.read(kinds, signal), autoscalerFloors(state.api, signal)]);
  return { view, floors };
}

/** What is to be removed, as far as it is there. A workload's service is named by its annotation. */
export async function findPruned(
  state: TargetState,
  keys: readonly ObjectKey[],
  signal: AbortSignal,
): Promise<PrunedObject[]> {
  const found = await mapBounded(keys, AT_ONCE, signal, async (key): Promise<PrunedObject[]> => {
    const live = await state.api.get(key, signal);
    if (live === undefined) return [];
    if (!isWorkloadKind(key.kind)) return [{ key, live }];
    return [{ key, live, service: live.metadata.annotations?.[KUBERNETES_ANNOTATIONS.service] ?? titleOf(key) }];
  });
  return found.flat();
}

/** What should be, and workloads as far as they had to be read for that, by service. */
interface Desired {
  readonly desired: DesiredState;
  readonly known: ReadonlyMap<string, KubernetesObject | undefined>;
}

async function desire(state: TargetState, release: Release, signal: AbortSignal): Promise<Desired> {
  const { manifests, services } = state.options;
  if (manifests !== undefined) return { desired: await manifests.render(release, signal), known: new Map() };
  const names = Object.keys(release.services);
  const live = await mapBounded(names, AT_ONCE, signal, async (service) => {
    return [service, await state.api.get(workloadKey(service, services[service]), signal)] as const;
  });
  const known = new Map(live);
  return { desired: desireExisting(release, services, known), known };
}

async function planObject(state: TargetState, desired: DesiredObject, known: Desired["known"]): Promise<PlannedObject> {
  const { service = "" } = desired;
  const live = known.has(service) ? known.get(service) : await state.api.get(desired);
  const preview = await state.verb(desired.verb).preview(desired, live);
  return { desired, live, preview };
}

export interface PlanParts {
  readonly objects: readonly PlannedObject[];
  readonly prune: PlanContents["prune"];
  readonly desired: Pick<DesiredState, "findings" | "notCovered">;
  readonly release?: Release;
  readonly policy: RolloutPolicy;
  /** Around all of these objects. */
  readonly surroundings: Surroundings;
}

/** Puts a plan together from its objects, and checks what can be checked. */
export async function finishPlan(state: TargetState, parts: PlanParts, signal: AbortSignal): Promise<Plan> {
  const { prune, desired, release, policy } = parts;
  const { view, floors } = parts.surroundings;
  const { objects, findings: misordered } = inWrittenOrder(parts.objects);
  const workloads = objects.filter(({ desired: { service } }) => service !== undefined);
  for (const { desired: one } of workloads) state.remember(one.service ?? "", one);
  const kept = new Set(workloads.map(({ desired: one }) => one.service ?? ""));
  // A Job of an earlier release is cleared away under the name of a service that goes on.
  const gone = prune.filter(({ service }) => service !== undefined && !kept.has(service));
  for (const { service = "", key } of gone) state.remember(service, key);
  const changes = [...workloads.map((one) => changeOf(one, view, release)), ...gone.map((one) => removalOf(one, view))];
  const everything = [...objects.flatMap(({ live }) => live ?? []), ...prune.map(({ live }) => live)];
  const { scope } = state.options;
  const labelledDeployment = Math.max(0, ...everything.map((one) => deploymentOf(one, scope) ?? 0));
  const contents: PlanContents = {
    objects,
    changes,
    prune,
    labelledDeployment,
    floors,
    ready: readyPods(objects, view),
  };
  const findings: Finding[] = [
    ...desired.findings,
    ...misordered,
    ...objects.flatMap(({ preview }) => preview.findings),
    ...findObstacles(objects),
    ...(await preflight(state, contents, policy, view, signal)),
  ];
  return {
    scope,
    services: changes,
    others: describeOthers(contents),
    findings,
    notCovered: [...new Set([...desired.notCovered, ...volumesOf(objects)])],
    labelledDeployment,
    detail: new PlanDetail(contents),
  };
}

/** Of the template that is in force: other pods are not what a way back leads to. */
function readyPods(objects: readonly PlannedObject[], view: NamespaceView): ReadonlyMap<string, number> {
  const found = objects.filter(isTouched).flatMap(({ desired, live }): [string, number][] => {
    const template = live && templateOf(live);
    if (desired.service === undefined || template === undefined) return [];
    const { service } = desired;
    const wanted = { service, goal: goalOf(desired.kind), desired: 0, revision: revisionOf(template), digests: [] };
    const { instances } = translateService(wanted, desired, view);
    return [[service, instances.filter((one) => one.ready && one.revision === wanted.revision).length]];
  });
  return new Map(found);
}

function changeOf(planned: PlannedObject, view: NamespaceView, release: Release | undefined): ServiceChange {
  const { desired, live, preview } = planned;
  const { service = "", kind, name, dependsOn } = desired;
  const from = live && factsOf(live, desired, planned, view);
  const to = toFacts(planned, from, release);
  return {
    service,
    name: titleOf({ kind, name }),
    action: preview.action,
    goal: desired.goal ?? goalOf(kind),
    desired: to?.instances ?? from?.instances ?? 0,
    dependsOn,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    differences: preview.differences,
  };
}

function removalOf({ key, live, service = "" }: PrunedObject, view: NamespaceView): ServiceChange {
  const desired: DesiredObject = { ...key, verb: "apply", dependsOn: [] };
  const preview = { object: undefined, action: "update", differences: [], findings: [] } as const;
  const from = factsOf(live, key, { desired, live, preview }, view);
  return {
    service,
    name: titleOf(key),
    action: "remove",
    goal: goalOf(key.kind),
    desired: 0,
    dependsOn: [],
    ...(from === undefined ? {} : { from }),
    differences: [],
  };
}

function factsOf(
  live: KubernetesObject,
  key: ObjectKey,
  planned: PlannedObject,
  view: NamespaceView,
): RevisionFacts | undefined {
  const template = templateOf(live);
  if (template === undefined || !isWorkload(live)) return undefined;
  const image = imageFor(planned, imagesOf(template));
  const pods = podsOf(key, view);
  const shown = pods.flatMap(({ status }) =>
    (status?.containerStatuses ?? []).flatMap((one) => digestsIn(one.imageID)),
  );
  const own = digestsIn(image);
  return {
    revision: revisionOf(template),
    image,
    digests: [...new Set(own.length > 0 ? own : shown)],
    instances: desiredOf(live),
  };
}

function toFacts(
  planned: PlannedObject,
  from: RevisionFacts | undefined,
  release: Release | undefined,
): RevisionFacts | undefined {
  const { desired, preview } = planned;
  const object = preview.object;
  const template = object && templateOf(object);
  if (object === undefined || template === undefined || !isWorkload(object)) return undefined;
  const identity = release?.services[desired.service ?? ""];
  const image = imageFor(planned, imagesOf(template), identity?.repository);
  // A dry run of a new DaemonSet has not been scheduled: what runs now is the best guess.
  const instances = object.kind === "DaemonSet" ? (from?.instances ?? desiredOf(object)) : desiredOf(object);
  const digests = identity === undefined ? digestsIn(image) : knownDigests(identity);
  return { revision: revisionOf(template), image, digests, instances };
}

/** The image that stands for a service: that of the container which gets one, else of the first. */
function imageFor(
  { desired, restores }: PlannedObject,
  images: Readonly<Record<string, string>>,
  repository = "",
): string {
  const [container] = Object.keys(desired.images ?? restores?.images ?? {});
  const own = container === undefined ? undefined : images[container];
  const all = Object.values(images);
  return own ?? all.find((image) => repository !== "" && image.startsWith(`${repository}@`)) ?? all.at(-1) ?? "";
}

/** What a pod keeps beyond its own life is not brought back with its template. */
function volumesOf(objects: readonly PlannedObject[]): string[] {
  return objects.filter(isTouched).flatMap(({ preview, desired }) => {
    const template = preview.object && templateOf(preview.object);
    if (template === undefined || !isWorkloadKind(desired.kind)) return [];
    const volumes = (template.spec.volumes ?? []) as readonly {
      readonly persistentVolumeClaim?: { readonly claimName: string };
      readonly hostPath?: { readonly path: string };
      readonly nfs?: { readonly server: string; readonly path: string };
      readonly configMap?: { readonly name?: string };
      readonly secret?: { readonly secretName?: string };
    }[];
    const { volumeClaimTemplates: claims } = (preview.object?.spec ?? {}) as {
      readonly volumeClaimTemplates?: readonly KubernetesObject[];
    };
    return [
      ...volumes.flatMap(({ persistentVolumeClaim: claim, hostPath, nfs }) => [
        ...(claim === undefined ? [] : [`the volume claim ${claim.claimName}`]),
        ...(hostPath === undefined ? [] : [`the folder ${hostPath.path} of the node`]),
        ...(nfs === undefined ? [] : [`the share ${nfs.server}:${nfs.path}`]),
      ]),
      ...(claims ?? []).map(({ metadata }) => `the volume claims ${metadata.name}-${desired.name}-…`),
      ...(desired.verb === "patch-image" ? volumes.flatMap(namedSources) : []),
    ];
  });
}

/** Existing workloads: what their ConfigMaps and Secrets hold is whatever it is at the time. */
function namedSources(volume: {
  readonly configMap?: { readonly name?: string };
  readonly secret?: { readonly secretName?: string };
}): string[] {
  const { configMap, secret } = volume;
  return [
    ...(configMap?.name === undefined ? [] : [`the ConfigMap ${configMap.name}`]),
    ...(secret?.secretName === undefined ? [] : [`the Secret ${secret.secretName}`]),
  ];
}
