import type { Service, ServiceSpec, SwarmNode, Task, TaskState } from "@belay/docker";

export const IMAGE = `registry.test/shop@sha256:${"a".repeat(64)}`;
export const OTHER_IMAGE = `registry.test/shop@sha256:${"b".repeat(64)}`;

/** A service of two replicas, as the engine shows one that `docker service create` made. */
export function spec(more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    Name: "shop_web",
    Labels: {},
    TaskTemplate: {
      ContainerSpec: { Image: IMAGE, Env: ["A=b"], Isolation: "default", DNSConfig: {} },
      Resources: { Limits: {}, Reservations: {} },
      RestartPolicy: { Condition: "any", Delay: 1_000_000_000, MaxAttempts: 0 },
      Placement: {},
      ForceUpdate: 0,
      Runtime: "container",
    },
    Mode: { Replicated: { Replicas: 2 } },
    EndpointSpec: { Mode: "vip" },
    ...more,
  };
}

export function service(more: Partial<Service> = {}): Service {
  const at = "2026-01-02T03:04:05Z";
  return { ID: "service", Version: { Index: 7 }, CreatedAt: at, UpdatedAt: at, Spec: spec(), ...more };
}

export interface TaskFacts {
  readonly id?: string;
  readonly slot?: number;
  readonly state: TaskState;
  readonly desired?: TaskState;
  readonly err?: string;
  readonly exitCode?: number;
  /** Seconds after the begin. */
  readonly at?: number;
  readonly image?: string;
  readonly node?: string;
  readonly iteration?: number;
}

let count = 0;

export function task(facts: TaskFacts): Task {
  const { id = `task${++count}`, slot = 1, state, desired = "running", err, exitCode, at = 0 } = facts;
  const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5 + at)).toISOString();
  const { TaskTemplate } = spec();
  return {
    ID: id,
    Version: { Index: 1 },
    CreatedAt: time,
    UpdatedAt: time,
    Spec: { ...TaskTemplate, ContainerSpec: { ...TaskTemplate.ContainerSpec, Image: facts.image ?? IMAGE } },
    ServiceID: "service",
    Slot: slot,
    NodeID: facts.node ?? "here",
    DesiredState: desired,
    Status: {
      Timestamp: time,
      State: state,
      ...(err === undefined ? {} : { Err: err }),
      ...(exitCode === undefined ? {} : { ContainerStatus: { ContainerID: `container-${id}`, ExitCode: exitCode } }),
    },
    ...(facts.iteration === undefined ? {} : { JobIteration: { Index: facts.iteration } }),
  };
}

export function node(
  id: string,
  more: { labels?: Record<string, string>; availability?: "active" | "drain" } = {},
): SwarmNode {
  return {
    ID: id,
    Version: { Index: 1 },
    Spec: { Role: "manager", Availability: more.availability ?? "active", Labels: more.labels ?? {} },
    Description: { Hostname: `host-${id}`, Platform: { Architecture: "x86_64", OS: "linux" } },
    Status: { State: "ready" },
  };
}
