import { type InstanceEvidence, mapBounded, type Observation, oneLine, type Wanted } from "@belay/core";
import type { NamespaceView } from "../observe/namespace-watch.ts";
import { type Pod, type PodEvent, type Termination, timeOf } from "../observe/pod.ts";
import { eventsOf } from "../observe/translate-service.ts";
import type { TargetState } from "../target-state.ts";
import { readPodLog } from "./read-pod-log.ts";

const TEXT = 1_000;
/** More failed copies of one service tell nothing new. */
const PER_SERVICE = 3;
const KEPT_EVENTS = 20;

interface Picked {
  readonly service: string;
  readonly pod: Pod;
}

/** Evidence of the failed pods, or of the new ones where none failed by itself; of a service without pods its events. */
export async function collectDossier(
  state: TargetState,
  wanted: readonly Wanted[],
  observation: Observation,
  signal: AbortSignal,
): Promise<readonly InstanceEvidence[]> {
  const view = await state.watch.read(state.kindsFor(wanted.map(({ service }) => service)), signal);
  const picked = pick(wanted, observation, view, (one) => !one.ready);
  const found = picked.length > 0 ? picked : pick(wanted, observation, view, () => true);
  const pods = await mapBounded(found, PER_SERVICE, signal, (one, both) => evidenceOf(state, one, view, both));
  return [...pods, ...withoutPods(state, wanted, observation, view)];
}

function pick(
  wanted: readonly Wanted[],
  observation: Observation,
  view: NamespaceView,
  fits: (instance: Observation["services"][number]["instances"][number]) => boolean,
): Picked[] {
  const pods = (view.get("Pod") ?? []) as readonly Pod[];
  return wanted.flatMap(({ service, revision }) => {
    const observed = observation.services.find(({ name }) => name === service);
    const own = observed?.instances.filter((one) => one.revision === revision && fits(one)) ?? [];
    const ids = new Set(own.map(({ id }) => id));
    return pods
      .filter(({ metadata }) => ids.has(metadata.uid ?? ""))
      .slice(0, PER_SERVICE)
      .map((pod) => ({ service, pod }));
  });
}

async function evidenceOf(
  state: TargetState,
  { service, pod }: Picked,
  view: NamespaceView,
  signal: AbortSignal,
): Promise<InstanceEvidence> {
  const { redactor } = state.options;
  const events = eventsOf(new Set([pod.metadata.uid ?? ""]), view);
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const failed =
    statuses.find(({ state: now, lastState }) => failureOf(now?.terminated ?? lastState?.terminated)) ??
    statuses.find(({ ready }) => !ready);
  const exit = failed?.state?.terminated ?? failed?.lastState?.terminated;
  const { lines, unknown } = await readPodLog(state, pod, failed?.name, signal);
  const probe = events.findLast(({ reason }) => reason === "Unhealthy")?.message;
  const waiting = statuses.flatMap(({ name, state: now }) =>
    now?.waiting?.message ? [`${name}: ${now.waiting.message}`] : [],
  );
  const clean = (text: string): string => oneLine(redactor.redact(text), TEXT);
  return {
    service,
    instance: pod.metadata.name,
    ...(exit === undefined ? {} : { exitCode: exit.exitCode }),
    ...(exit?.reason === "OOMKilled" ? { oomKilled: true } : {}),
    ...(probe === undefined ? {} : { healthOutput: clean(probe) }),
    logLines: lines,
    events: [
      ...waiting.map(clean),
      ...(exit?.message === undefined || exit.message === "" ? [] : [clean(`its last words: ${exit.message}`)]),
      ...events.slice(-KEPT_EVENTS).map((event) => clean(describe(event))),
    ],
    unknown,
  };
}

function failureOf(exit: Termination | undefined): boolean {
  return exit !== undefined && exit.exitCode !== 0;
}

/** What forbids the very first pod is told in events of the workload and of what stands between. */
function withoutPods(
  state: TargetState,
  wanted: readonly Wanted[],
  observation: Observation,
  view: NamespaceView,
): InstanceEvidence[] {
  return wanted.flatMap(({ service, revision }): InstanceEvidence[] => {
    const observed = observation.services.find(({ name }) => name === service);
    if (observed === undefined || observed.instances.some((one) => one.revision === revision)) return [];
    const { name } = state.keyOf(service);
    const owners = [...view].flatMap(([kind, objects]) => (kind === "Pod" || kind === "Event" ? [] : objects));
    const own = owners.filter(
      ({ metadata }) => metadata.name === name || metadata.ownerReferences?.some((owner) => owner.name === name),
    );
    const events = eventsOf(new Set(own.map(({ metadata }) => metadata.uid ?? "")), view).filter(
      ({ type }) => type === "Warning",
    );
    const lines = events
      .slice(-KEPT_EVENTS)
      .map((event) => oneLine(state.options.redactor.redact(describe(event)), TEXT));
    if (lines.length === 0) return [];
    return [
      { service, instance: service, logLines: [], events: lines, unknown: ["it has no pod, so there is no log"] },
    ];
  });
}

function describe(event: PodEvent): string {
  const time = new Date(timeOf(event)).toISOString().slice(11, 19);
  const times = (event.count ?? 1) > 1 ? ` (${event.count} times)` : "";
  return `${time} ${event.reason}: ${event.message}${times}`;
}
