import { type Finding, LABELS, type Platform, type RolloutPolicy, scopeHash } from "@belay/core";
import type { PortConfig, Service, ServiceSpec, SwarmNode } from "@belay/docker";
import { taskRevision } from "../observe/task-revision.ts";
import { eligibleNodes, suitableNodes } from "../spec/eligible-nodes.ts";
import { readLabels } from "../spec/service-labels.ts";
import { isJob, modeOf } from "../spec/service-mode.ts";
import type { TargetState } from "../target-state.ts";
import type { ImageBook } from "./image-book.ts";
import { isTouched, type PlanContents, type PlannedService } from "./plan-detail.ts";

export interface Circumstances {
  readonly policy: RolloutPolicy;
  readonly nodes: readonly SwarmNode[];
  /** All services of the swarm. */
  readonly existing: readonly Service[];
  readonly images: ImageBook;
  /** Platforms of the release's images by service: `linux/amd64`. */
  readonly platforms: Readonly<Record<string, readonly Platform[]>>;
}

/** What the swarm itself tells before any change; what must be asked of others is in `preflight.ts`. */
export function findObstacles(state: TargetState, plan: PlanContents, circumstances: Circumstances): Finding[] {
  const { services } = plan;
  return [
    ...services.flatMap((one) => [...foreignOwner(state, one), ...drift(state, one)]),
    ...services.filter(isTouched).flatMap((one) => {
      const spec = one.draft?.(one.current?.Spec);
      if (spec === undefined) return [];
      return [
        ...modeChange(one, spec),
        ...noNode(one, spec, circumstances),
        ...wrongPlatform(one, circumstances),
        ...takenPorts(one, spec, circumstances, services),
        ...fixedPorts(one, spec, circumstances),
        ...downtime(one, spec),
        ...nothingRuns(one),
        ...endIsFailure(one, spec),
      ];
    }),
  ];
}

function foreignOwner(state: TargetState, { service, name, current }: PlannedService): Finding[] {
  const labels = current?.Spec.Labels ?? {};
  const scope = labels[LABELS.scope];
  if (scope === undefined || scope === scopeHash(state.options.scope)) return [];
  const owner = `${labels[LABELS.application]} in ${labels[LABELS.environment]}`;
  return [
    {
      level: "refuse",
      check: "foreign_owner",
      service,
      message: `the service ${name} belongs to another deployment of Belay: ${owner}`,
      remedy: "Use another service or stack, or the application and environment that it belongs to.",
    },
  ];
}

/** The labels say what Belay wrote; another template in force means that a person, or the engine, changed it since. */
function drift(state: TargetState, { service, name, current }: PlannedService): Finding[] {
  const labels = current === undefined ? {} : readLabels(current.Spec);
  if (current === undefined || labels.revision === undefined) return [];
  if (labels.revision === taskRevision(current.Spec.TaskTemplate, state.directory.networks)) return [];
  const message = `${name} was changed by hand since deployment ${labels.deployment} wrote it`;
  return [{ level: "warn", check: "drifted", service, message, remedy: "That is what a failure would bring back." }];
}

function modeChange({ service, current }: PlannedService, spec: ServiceSpec): Finding[] {
  if (current === undefined || modeOf(current.Spec) === modeOf(spec)) return [];
  const message = `it is ${modeOf(current.Spec)} and should become ${modeOf(spec)}, which no engine changes`;
  const remedy = `Remove it first: docker service rm ${current.Spec.Name}`;
  return [{ level: "refuse", check: "mode_changes", service, message, remedy }];
}

/**
 * A release that asks for what no node has can't be started, and makes the engine end what runs. Where there are such nodes,
 * but none is up, one may come back in time; and a service that runs on each of them, or none of which is to run, waits for
 * them by its nature.
 */
function noNode({ service, desired }: PlannedService, spec: ServiceSpec, { nodes }: Circumstances): Finding[] {
  if (eligibleNodes(spec, nodes).length > 0) return [];
  const possible = suitableNodes(spec, nodes).length > 0;
  const level = possible || desired === 0 || modeOf(spec).startsWith("global") ? "warn" : "refuse";
  const wants = spec.TaskTemplate.Placement?.Constraints ?? [];
  const asked = wants.length === 0 ? "" : ` (it asks for ${wants.join(", ")})`;
  const message = possible
    ? `no node that could take it${asked} is up`
    : `no node can take it${asked}, and the engine may end what runs for that`;
  const remedy = "Look at docker node ls: nodes must be ready and active, and have the labels that are asked for.";
  return [{ level, check: "unschedulable", service, message, remedy }];
}

/** An image without a variant for any node would end with "exec format error", or find no node. */
function wrongPlatform({ service }: PlannedService, { nodes, platforms }: Circumstances): Finding[] {
  const built = platforms[service] ?? [];
  const own = new Set(nodes.map(({ Description: { Platform } }) => `${Platform.OS}/${goName(Platform.Architecture)}`));
  if (built.length === 0 || built.some((one) => [...own].some((node) => one === node || one.startsWith(`${node}/`)))) {
    return [];
  }
  const message = `its image is built for ${built.join(", ")}, and the nodes are ${[...own].sort().join(", ")}`;
  const remedy = "Build for the nodes' platform too (`build.platforms`).";
  return [{ level: "refuse", check: "wrong_platform", service, message, remedy }];
}

/** The kernel's names and Go's. */
function goName(architecture: string): string {
  return { x86_64: "amd64", aarch64: "arm64", armv7l: "arm", i686: "386" }[architecture] ?? architecture;
}

/**
 * A port has one owner in the whole swarm (swarmkit, `manager/controlapi`: `checkPortConflicts`); only services that publish it
 * on their tasks' nodes may share it. What the release removes still owns it: that goes after the rest was proven. So does what
 * it gives another port: which of the two is written first is not for the ports to say.
 */
function takenPorts(
  one: PlannedService,
  spec: ServiceSpec,
  { existing }: Circumstances,
  planned: readonly PlannedService[],
): Finding[] {
  const others = existing.filter(({ Spec }) => Spec.Name !== one.name);
  return published(spec).flatMap((port): Finding[] => {
    const owner = others.find(({ Spec }) => hasPort(Spec, port))?.Spec.Name;
    if (owner === undefined) return [];
    const message = `the port ${port.PublishedPort}/${port.Protocol ?? "tcp"} is published by the service ${owner}`;
    const first = howToFree(
      port,
      planned.find(({ name }) => name === owner),
    );
    const remedy = `Publish another one${first}.`;
    return [{ level: "refuse", check: "port_taken", service: one.service, message, remedy }];
  });
}

/** Nothing where the release leaves the port to its owner, or that is none of its services. */
function howToFree(port: PortConfig, owner: PlannedService | undefined): string {
  if (owner === undefined) return "";
  const { action, name, draft, current } = owner;
  if (action === "remove")
    return `, or remove that service first: docker service rm ${name} (the release would do so at its end)`;
  const spec = draft?.(current?.Spec);
  if (spec === undefined || hasPort(spec, port)) return "";
  return `, or release ${name} without it first, and this one with it after that`;
}

function hasPort(spec: ServiceSpec, port: PortConfig): boolean {
  return published(spec).some((one) => isSamePort(port, one));
}

function published({ EndpointSpec }: ServiceSpec): PortConfig[] {
  return (EndpointSpec?.Ports ?? []).filter((port) => port.PublishedPort);
}

function isOfNode({ PublishMode }: PortConfig): boolean {
  return PublishMode === "host";
}

function isSamePort(one: PortConfig, other: PortConfig): boolean {
  if (isOfNode(one) && isOfNode(other)) return false;
  return one.PublishedPort === other.PublishedPort && (one.Protocol ?? "tcp") === (other.Protocol ?? "tcp");
}

/** A port of the node is free for one task only: with start-first a new task waits for ever for the old one to go. */
function fixedPorts(
  { service, current, desired }: PlannedService,
  spec: ServiceSpec,
  { nodes }: Circumstances,
): Finding[] {
  const ports = published(spec).filter(isOfNode);
  if (current === undefined || ports.length === 0 || spec.UpdateConfig?.Order !== "start-first") return [];
  const places = eligibleNodes(spec, nodes).length;
  if (modeOf(spec) === "replicated" && desired < places) return [];
  const message = `it publishes port ${ports[0]?.PublishedPort} of the node, and with start-first ${desired} tasks and a new one need more than the ${places} nodes there are`;
  const remedy = "Use `update_config.order: stop-first` for it.";
  return [{ level: "refuse", check: "fixed_port", service, message, remedy }];
}

/** The engine's updater counts every end of a task as a failure, so it would take a good one back. */
function endIsFailure({ service, goal, current }: PlannedService, spec: ServiceSpec): Finding[] {
  if (goal !== "complete" || current === undefined || isJob(spec)) return [];
  if (spec.UpdateConfig?.FailureAction !== "rollback") return [];
  const message = "it runs once, and the engine takes the end of its task for a failure: it would roll the update back";
  const remedy = "Use `update_config.failure_action: continue` for it, or `mode: replicated-job`.";
  return [{ level: "refuse", check: "end_is_failure", service, message, remedy }];
}

/** Words for what the user's own update settings mean. */
function downtime({ service, action, desired }: PlannedService, spec: ServiceSpec): Finding[] {
  if (action !== "update" || desired === 0 || isJob(spec) || modeOf(spec) === "global") return [];
  const { Order, Parallelism = 1 } = spec.UpdateConfig ?? {};
  if (Order === "start-first" || (Parallelism > 0 && Parallelism < desired)) return [];
  const message =
    "all its tasks are stopped before new ones start (stop-first), so it is down from then until the new ones are ready";
  const remedy = "Set `update_config.order: start-first` for it, or more replicas than its parallelism.";
  return [{ level: "warn", check: "downtime", service, message, remedy }];
}

function nothingRuns({ service, goal, desired }: PlannedService): Finding[] {
  if (desired > 0 || goal === "complete") return [];
  const message = "it has no replicas, so nothing of the new release can be proven for it";
  return [{ level: "warn", check: "no_replicas", service, message }];
}
