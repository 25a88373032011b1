import type { Condition, ContainerState, Instance, Observation, ObservedService, ProbeReading } from "@belay/core";

/** Pieces of observations for the judge's tests: a good one of each, with what the test changes. */
export function container(change: Partial<ContainerState> = {}): ContainerState {
  return { name: "main", role: "main", digests: [], state: "running", restarts: 0, health: "none", ...change };
}

/** A ready instance of revision `new`, created one second into the engine's time. */
export function instance(id: string, change: Partial<Instance> = {}): Instance {
  return {
    id,
    title: `web-${id}`,
    slot: id,
    revision: "new",
    phase: "current",
    createdAt: 1_000,
    ready: true,
    containers: [container()],
    ...change,
  };
}

/** An instance of revision `new` that is not ready, with one container like `change`. */
export function unready(id: string, change: Partial<ContainerState> = {}, more: Partial<Instance> = {}): Instance {
  return instance(id, { ready: false, containers: [container(change)], ...more });
}

export function old(id: string, change: Partial<Instance> = {}): Instance {
  return instance(id, { revision: "old", ...change });
}

export function service(instances: readonly Instance[], change: Partial<ObservedService> = {}): ObservedService {
  return {
    name: "web",
    kind: "container",
    goal: "run",
    desired: 1,
    wantedRevision: "new",
    conditions: [],
    instances,
    ...change,
  };
}

export function observed(instances: readonly Instance[], change: Partial<ObservedService> = {}): Observation {
  return { at: 5_000, services: [service(instances, change)], probes: [] };
}

export function condition(type: Condition["type"], message = "in the engine's words"): Condition {
  return { type, message };
}

/** A condition that the engine may get over by itself. */
export function passing(type: Condition["type"], message?: string): Condition {
  return { ...condition(type, message), mayPass: true };
}

export function probe(state: ProbeReading["state"], change: Partial<ProbeReading> = {}): ProbeReading {
  return { title: "http GET /healthz", service: "web", state, detail: "503", ...change };
}

export function withProbes(observation: Observation, ...probes: ProbeReading[]): Observation {
  return { ...observation, probes };
}
