import type { ContainerState, Instance, Observation, ObservedService, ProbeReading } from "@belay/core";

/** How the fleet's engine shows its instances: see {@link fleetObservation}. */
export type FleetShape = "swarm" | "kubernetes" | "compose";

export interface FleetOptions {
  readonly services: number;
  readonly instancesPerService: number;
  readonly shape: FleetShape;
  /** How many instances of each service run the new release; the others still run the old one. */
  readonly renewed: number;
  /** Each instance is asked by a probe of its own. Default: none is. */
  readonly probed?: boolean;
}

/**
 * What an engine with a large fleet shows at one moment in the middle of a good release, as new objects each time, as a
 * target makes them. `swarm`: a dead task of earlier days in each slot. `kubernetes`: an init container and a sidecar in
 * each pod, and one restart of long ago. `compose`: plain containers.
 */
export function fleetObservation(options: FleetOptions): Observation {
  const services = Array.from({ length: options.services }, (_, index) => serviceOf(options, index));
  const probes = options.probed === true ? services.flatMap(readingsOf) : [];
  return { at: Date.UTC(2026, 0, 1), services, probes };
}

function serviceOf({ shape, instancesPerService, renewed }: FleetOptions, index: number): ObservedService {
  const name = `service-${index}`;
  const slots = Array.from({ length: instancesPerService }, (_, slot) => slot);
  return {
    name,
    kind: { swarm: "replicated", kubernetes: "Deployment", compose: "container" }[shape],
    goal: "run",
    desired: instancesPerService,
    wantedRevision: "new",
    conditions: [],
    instances: slots.flatMap((slot) => {
      const revision = slot < renewed ? "new" : "old";
      const now = instanceOf(shape, name, slot, revision);
      return shape === "swarm" ? [now, deadTask(name, slot)] : [now];
    }),
  };
}

function instanceOf(shape: FleetShape, service: string, slot: number, revision: string): Instance {
  return {
    id: `${service}-${slot}-${revision}`,
    title: `${service}-${slot}`,
    slot: `${slot}`,
    node: `node-${slot % 50}`,
    revision,
    phase: "current",
    createdAt: Date.UTC(2026, 0, 1),
    ready: true,
    containers: shape === "kubernetes" ? pod() : [container({ health: "healthy" })],
  };
}

function pod(): ContainerState[] {
  return [
    container({ name: "migrate", role: "init", state: "exited", lastExit: { code: 0, oomKilled: false } }),
    container({ name: "main" }),
    container({ name: "proxy", role: "sidecar" }),
  ];
}

function deadTask(service: string, slot: number): Instance {
  const dead = container({ state: "exited", lastExit: { code: 1, oomKilled: false } });
  const task = instanceOf("swarm", service, slot, "old");
  return { ...task, id: `${task.id}-dead`, phase: "history", endedBy: "self", ready: false, containers: [dead] };
}

function container(change: Partial<ContainerState>): ContainerState {
  return { name: "main", role: "main", digests: [], state: "running", restarts: 0, health: "none", ...change };
}

function readingsOf({ name, instances }: ObservedService): ProbeReading[] {
  const current = instances.filter((one) => one.phase === "current");
  return current.map(({ id }) => ({
    title: "http GET /healthz",
    service: name,
    instance: id,
    state: "passing",
    detail: "200",
  }));
}
