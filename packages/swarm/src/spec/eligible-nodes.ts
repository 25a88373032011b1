import type { ServiceSpec, SwarmNode } from "@belay/docker";

/**
 * The nodes on which a global service runs: active, not known to be away, and allowed by its constraints and platforms. After a
 * change of leaders all are unknown until they are heard of, and keep their tasks (swarmkit, `orchestrator.InvalidNode`).
 */
export function eligibleNodes(spec: ServiceSpec, nodes: readonly SwarmNode[]): SwarmNode[] {
  const up = nodes.filter(({ Status, Spec }) => UP.includes(Status.State) && Spec.Availability === "active");
  return suitableNodes(spec, up);
}

const UP: readonly string[] = ["ready", "unknown"];

/** Whether a new leader has not heard yet of a node that takes tasks (swarmkit, `dispatcher.markNodesUnknown`). */
export function isAnyUnheard(nodes: readonly SwarmNode[]): boolean {
  return nodes.some(({ Status, Spec }) => Status.State === "unknown" && Spec.Availability === "active");
}

/**
 * The nodes that a service's constraints and platforms allow, whether they are up or not. A constraint of a kind that is not
 * known here counts as met.
 */
export function suitableNodes(spec: ServiceSpec, nodes: readonly SwarmNode[]): SwarmNode[] {
  const { Constraints, Platforms } = spec.TaskTemplate.Placement ?? {};
  return nodes.filter(
    (node) =>
      (Constraints ?? []).every((text) => isMet(text, node)) && fits(Platforms ?? [], node.Description.Platform),
  );
}

/** `node.labels.disk == ssd`, `node.role!=manager` (swarmkit, `manager/constraint`: values are compared without case). */
function isMet(text: string, node: SwarmNode): boolean {
  const [, key = "", operator, wanted = ""] = /^\s*(\S+?)\s*(==|!=)\s*(.*?)\s*$/.exec(text) ?? [];
  const value = valueOn(key, node);
  if (value === undefined) return true;
  return (value.toLowerCase() === wanted.toLowerCase()) === (operator === "==");
}

function valueOn(key: string, node: SwarmNode): string | undefined {
  const { Spec, Description } = node;
  if (key === "node.id") return node.ID;
  if (key === "node.hostname") return Description.Hostname;
  if (key === "node.role") return Spec.Role;
  if (key === "node.platform.os") return Description.Platform.OS;
  if (key === "node.platform.arch") return architecture(Description.Platform.Architecture);
  const label = /^node\.labels\.(.+)$/.exec(key)?.[1];
  if (label !== undefined) return Spec.Labels?.[label] ?? "";
  const engine = /^engine\.labels\.(.+)$/.exec(key)?.[1];
  return engine === undefined ? undefined : (Description.Engine?.Labels?.[engine] ?? "");
}

type Platform = { readonly OS?: string; readonly Architecture?: string };

/** Nothing said, of either part, fits everything (swarmkit, `scheduler/filter.go`, PlatformFilter). */
function fits(platforms: readonly Platform[], own: Platform): boolean {
  return (
    platforms.length === 0 ||
    platforms.some(
      ({ OS, Architecture }) =>
        (!OS || OS === own.OS) &&
        (!Architecture || architecture(Architecture) === architecture(own.Architecture ?? "")),
    )
  );
}

/** The kernel's names and Go's. */
function architecture(name: string): string {
  return { x86_64: "amd64", aarch64: "arm64" }[name] ?? name;
}
