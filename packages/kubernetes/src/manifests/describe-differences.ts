import { canonicalJson } from "@belay/core";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { KUBERNETES_ANNOTATIONS, KUBERNETES_LABELS } from "../marks.ts";
import { containersOf, podSpecOf } from "../pod-spec.ts";

const MOST_LINES = 20;
/** What the API server writes itself. */
const ITS_OWN = new Set(["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"]);
const MARKS: ReadonlySet<string> = new Set([
  ...Object.values(KUBERNETES_LABELS),
  ...Object.values(KUBERNETES_ANNOTATIONS),
]);
/** Written by controllers, and copied about by them. */
const CONTROLLERS = new Set(["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"]);

/**
 * One line per difference between an object as it is and as it would be, Belay's own marks left aside: where it is, with
 * values only of images and replica counts. A ConfigMap may hold a secret by mistake, as may an environment variable.
 */
export function describeDifferences(from: KubernetesObject, to: KubernetesObject): readonly string[] {
  const images = imageLines(from, to);
  const places = differences(comparable(from), comparable(to), "").filter((place) => !/\]\.image$/.test(place));
  const lines = [...images, ...places.map((place) => withCount(place, from, to))];
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `… and ${lines.length - MOST_LINES} more`];
}

/** An object without what the API server and controllers write, and without Belay's marks. */
function comparable({ status, metadata, ...rest }: KubernetesObject): unknown {
  const own = Object.entries(metadata).filter(
    ([key]) => !ITS_OWN.has(key) && key !== "labels" && key !== "annotations",
  );
  return {
    ...rest,
    metadata: { ...Object.fromEntries(own), ...unmarked("labels", metadata), ...unmarked("annotations", metadata) },
  };
}

function unmarked(key: "labels" | "annotations", metadata: KubernetesObject["metadata"]): object {
  const own = Object.entries(metadata[key] ?? {}).filter(([name]) => !MARKS.has(name) && !CONTROLLERS.has(name));
  return own.length === 0 ? {} : { [key]: Object.fromEntries(own) };
}

function imageLines(from: KubernetesObject, to: KubernetesObject): readonly string[] {
  const old = new Map(containersOf(podSpecOf(from)).map(({ name, image }) => [name, image]));
  return containersOf(podSpecOf(to)).flatMap(({ name, image }) => {
    const was = old.get(name);
    return was === undefined || was === image ? [] : [`image ${name}: ${was} → ${image}`];
  });
}

function withCount(place: string, from: KubernetesObject, to: KubernetesObject): string {
  if (place !== "spec.replicas") return place;
  const count = (object: KubernetesObject) => (object.spec as { replicas?: unknown } | undefined)?.replicas;
  return `spec.replicas: ${String(count(from))} → ${String(count(to))}`;
}

function differences(from: unknown, to: unknown, place: string): string[] {
  if (canonicalJson(from ?? null) === canonicalJson(to ?? null)) return [];
  const [a, b] = [entriesOf(from), entriesOf(to)];
  if (a === undefined || b === undefined) return [place];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((step) => {
    const under = step.startsWith("[") || place === "" ? `${place}${step}` : `${place}.${step}`;
    return differences(a.get(step), b.get(step), under);
  });
}

/** Members by how they are shown: items of a list by name where they have one, so that a new first one moves no other. */
function entriesOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const names = value.map((item, index) => `[${nameOf(item) ?? index}]`);
  const unique = new Set(names).size === names.length;
  return new Map(value.map((item, index) => [(unique && names[index]) || `[${index}]`, item]));
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const { name, mountPath, containerPort, port } = item as Record<string, unknown>;
  const found = name ?? mountPath ?? containerPort ?? port;
  return found === undefined ? undefined : String(found);
}
