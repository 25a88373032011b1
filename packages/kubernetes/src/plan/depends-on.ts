import { dependencyOrder, type Finding } from "@belay/core";
import { titleOf } from "../kubernetes-object.ts";
import { COPY_OF, DEPENDS_ON } from "../marks.ts";
import type { PlannedObject } from "../plan-detail.ts";

export interface Ordered {
  /** Workloads after what they depend on; everything else where it was. */
  readonly objects: readonly PlannedObject[];
  readonly findings: readonly Finding[];
}

/** Service → services that must be right before it changes. */
type Graph = Map<string, Set<string>>;

/**
 * What the annotation {@link DEPENDS_ON} of workloads says of their order, on top of what `dependsOn` has already (Jobs first).
 * An order that somebody wrote goes before that one: a Job that depends on a database does not come before it.
 */
export function inWrittenOrder(objects: readonly PlannedObject[]): Ordered {
  const findings: Finding[] = [];
  const workloads = objects.filter(({ desired }) => desired.service !== undefined);
  const names = namesOf(workloads);
  const graph: Graph = new Map(workloads.map((one) => [serviceOf(one), new Set()]));
  for (const one of workloads) {
    for (const word of writtenOf(one)) addWritten(graph, one, names.get(word), word, findings);
  }
  for (const one of workloads) {
    for (const before of one.desired.dependsOn) {
      if (graph.has(before) && !leadsTo(graph, before, serviceOf(one))) graph.get(serviceOf(one))?.add(before);
    }
  }
  const sorted = dependencyOrder(
    workloads.map((one) => ({ one, service: serviceOf(one), dependsOn: [...(graph.get(serviceOf(one)) ?? [])] })),
  ).map(({ one, dependsOn }) => ({ ...one, desired: { ...one.desired, dependsOn } }));
  const places = sorted.values();
  return {
    objects: objects.map((one) => (one.desired.service === undefined ? one : (places.next().value ?? one))),
    findings,
  };
}

function serviceOf({ desired }: PlannedObject): string {
  return desired.service ?? "";
}

/** A workload is known by its service's name in belay.yaml, as `kind/name`, and by its name alone where only one has it. */
function namesOf(workloads: readonly PlannedObject[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const plain = Map.groupBy(workloads, nameOf);
  for (const [name, owners] of plain)
    if (owners[0] !== undefined && owners.length === 1) names.set(name, serviceOf(owners[0]));
  for (const one of workloads) names.set(titleOf({ kind: one.desired.kind, name: nameOf(one) }), serviceOf(one));
  for (const one of workloads) names.set(serviceOf(one), serviceOf(one));
  return names;
}

/** A Job of the manifests has a name of its own for each release. */
function nameOf(planned: PlannedObject): string {
  return annotationsOf(planned)[COPY_OF] ?? planned.desired.name;
}

/** Its owner's words: in the manifest, in the snapshot that comes back, or on the object that is there. */
function annotationsOf({ desired, restores, live }: PlannedObject): Readonly<Record<string, string>> {
  return (desired.body ?? restores?.was ?? live)?.metadata.annotations ?? {};
}

function writtenOf(planned: PlannedObject): readonly string[] {
  return (annotationsOf(planned)[DEPENDS_ON] ?? "").split(/[\s,]+/).filter((word) => word !== "");
}

function addWritten(
  graph: Graph,
  planned: PlannedObject,
  before: string | undefined,
  word: string,
  findings: Finding[],
): void {
  const service = serviceOf(planned);
  const title = titleOf({ kind: planned.desired.kind, name: nameOf(planned) });
  if (before === undefined) {
    // The manifests are all there is of the application; workloads that exist may depend on somebody else's.
    const level = planned.desired.verb === "apply" && planned.restores === undefined ? "refuse" : "warn";
    const message = `${title} depends on ${word} (\`${DEPENDS_ON}\`), which is no workload of this deployment.`;
    findings.push({
      level,
      check: "dependency_unknown",
      service,
      message,
      remedy: `Name one of ${[...graph.keys()].join(", ")}.`,
    });
  } else if (leadsTo(graph, before, service)) {
    const message = `${title} depends on ${word} (\`${DEPENDS_ON}\`), which depends on it, too.`;
    findings.push({ level: "refuse", check: "dependency_cycle", service, message, remedy: "Take one of the two out." });
  } else graph.get(service)?.add(before);
}

function leadsTo(graph: Graph, from: string, to: string, seen: Set<string> = new Set()): boolean {
  if (from === to) return true;
  seen.add(from);
  return [...(graph.get(from) ?? [])].some((next) => !seen.has(next) && leadsTo(graph, next, to, seen));
}
