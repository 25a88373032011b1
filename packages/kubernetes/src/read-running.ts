import type { RunningService } from "@belay/core";
import type { ObjectKey } from "./kubernetes-object.ts";
import { keyOf } from "./kubernetes-object.ts";
import { deploymentOf, KUBERNETES_ANNOTATIONS } from "./marks.ts";
import { type NamespaceView, neededKinds } from "./observe/namespace-watch.ts";
import type { Pod } from "./observe/pod.ts";
import { digestsIn } from "./observe/translate-pod.ts";
import { findWorkload, podsOf, revisionOfPod } from "./observe/translate-service.ts";
import type { TargetState } from "./target-state.ts";
import { desiredOf, imagesOf, revisionOf, templateOf, WORKLOAD_KINDS, type Workload } from "./workload.ts";

const READ_MS = 30_000;

/** What runs of each service of `belay.yaml`, read now. A service without a workload is left out. */
export async function readRunning(state: TargetState): Promise<readonly RunningService[]> {
  const signal = AbortSignal.timeout(READ_MS);
  const all = state.options.manifests !== undefined;
  const kinds = all ? neededKinds(WORKLOAD_KINDS) : state.kindsFor(state.services);
  const view = await state.watch.read(kinds, signal);
  if (all) learnLabelled(state, view);
  return state.services.flatMap((service) => {
    const key = state.keyOf(service);
    const workload = findWorkload(key, view);
    return workload === undefined ? [] : [summarise(state, service, key, workload, view)];
  });
}

/** Workloads of the manifests say by an annotation whose they are: this process may not have planned anything yet. */
function learnLabelled(state: TargetState, view: NamespaceView): void {
  for (const kind of WORKLOAD_KINDS) {
    // The newest last: of a Job per release the newest counts.
    const sorted = [...(view.get(kind) ?? [])].sort((a, b) => age(b.metadata) - age(a.metadata));
    for (const object of sorted) {
      const service = object.metadata.annotations?.[KUBERNETES_ANNOTATIONS.service];
      if (service !== undefined && deploymentOf(object, state.options.scope) !== undefined) {
        state.remember(service, keyOf(object));
      }
    }
  }
}

function age({ creationTimestamp }: { readonly creationTimestamp?: string | null }): number {
  return -(Date.parse(creationTimestamp ?? "") || 0);
}

function summarise(
  state: TargetState,
  service: string,
  key: ObjectKey,
  workload: Workload,
  view: NamespaceView,
): RunningService {
  const template = templateOf(workload);
  const wanted = template === undefined ? "unknown" : revisionOf(template);
  const pods = podsOf(key, view).filter(({ metadata }) => !metadata.deletionTimestamp);
  const revisions = Map.groupBy(pods, (pod) => revisionOfPod(pod, key, workload, view) ?? wanted);
  const serving = servingRevision(wanted, revisions);
  const own = revisions.get(serving) ?? [];
  const images = template === undefined ? {} : imagesOf(template);
  const container = state.options.services[service]?.container ?? (service in images ? service : undefined);
  const shown = own.flatMap((pod) => digestsOf(pod, container));
  const image =
    imageOf(own[0], container) ?? (container === undefined ? Object.values(images).at(-1) : images[container]) ?? "";
  const youngest = Math.max(0, ...own.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? "") || 0));
  const deployment = deploymentOf(workload, state.options.scope);
  const release =
    deployment === undefined ? undefined : workload.metadata.annotations?.[KUBERNETES_ANNOTATIONS.release];
  return {
    service,
    name: `${key.kind.toLowerCase()}/${key.name}`,
    revision: serving,
    ...(serving === wanted ? {} : { wantedRevision: wanted }),
    image,
    digests: [...new Set([...digestsIn(image), ...shown])],
    ready: own.filter(isReady).length,
    desired: desiredOf(workload),
    ...(deployment === undefined ? {} : { deployment }),
    ...(release === undefined ? {} : { release }),
    ...(youngest === 0 ? {} : { since: new Date(youngest).toISOString() }),
  };
}

/** The revision that the workload wants, unless another one serves more. */
function servingRevision(wanted: string, revisions: ReadonlyMap<string, readonly Pod[]>): string {
  const ready = (revision: string): number => (revisions.get(revision) ?? []).filter(isReady).length;
  const ranked = [wanted, ...revisions.keys()].sort((a, b) => ready(b) - ready(a));
  return ranked[0] ?? wanted;
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}

function digestsOf({ status }: Pod, container: string | undefined) {
  const statuses = status?.containerStatuses ?? [];
  return statuses
    .filter(({ name }) => container === undefined || name === container)
    .flatMap((one) => digestsIn(one.imageID));
}

function imageOf(pod: Pod | undefined, container: string | undefined): string | undefined {
  const containers = pod?.spec.containers ?? [];
  return (container === undefined ? containers.at(-1) : containers.find(({ name }) => name === container))?.image;
}
