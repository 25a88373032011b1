import type { HealthcheckConfig } from "./engine-types.ts";

/**
 * What of the Engine API's Swarm part (services, tasks, nodes, `/swarm`) Belay reads. Specs are kept and sent back whole:
 * only what is used is typed, and every object may hold more keys than that.
 */

/** `Version.Index` of an object: an update names the one it was made from, and is refused when the object has moved on. */
export interface ObjectVersion {
  readonly Index: number;
}

export type Labels = Readonly<Record<string, string>>;

/** A config or secret in a container. The name is not enough for the engine: it goes by the id. */
export interface FileReference {
  readonly File?: { readonly Name: string; readonly UID: string; readonly GID: string; readonly Mode: number } | null;
  readonly [key: string]: unknown;
}

export interface SecretReference extends FileReference {
  readonly SecretID: string;
  readonly SecretName: string;
}

export interface ConfigReference extends FileReference {
  readonly ConfigID: string;
  readonly ConfigName: string;
  /** Used by the engine itself (a credential spec), not mounted. */
  readonly Runtime?: object | null;
}

export interface SwarmMount {
  readonly Type: string;
  readonly Source?: string;
  readonly Target: string;
  readonly ReadOnly?: boolean;
  readonly [key: string]: unknown;
}

export interface ContainerSpec {
  readonly Image: string;
  /** Of the container. */
  readonly Labels?: Labels | null;
  /** The entrypoint. */
  readonly Command?: readonly string[] | null;
  readonly Args?: readonly string[] | null;
  readonly TTY?: boolean;
  /** `NAME=value`: may hold secrets. */
  readonly Env?: readonly string[] | null;
  readonly Healthcheck?: HealthcheckConfig | null;
  /** Nanoseconds; 10 s when absent. */
  readonly StopGracePeriod?: number | null;
  readonly Secrets?: readonly SecretReference[] | null;
  readonly Configs?: readonly ConfigReference[] | null;
  readonly Mounts?: readonly SwarmMount[] | null;
  readonly [key: string]: unknown;
}

export interface RestartPolicy {
  readonly Condition?: "none" | "on-failure" | "any";
  /** Nanoseconds. */
  readonly Delay?: number;
  readonly MaxAttempts?: number;
  readonly Window?: number;
}

export interface NetworkAttachment {
  /** Id or name of the network; the engine makes an id of it. */
  readonly Target: string;
  readonly Aliases?: readonly string[] | null;
  readonly [key: string]: unknown;
}

export interface TaskSpec {
  /** Absent for plugins and network attachments, which Belay does not deploy. */
  readonly ContainerSpec?: ContainerSpec;
  readonly Resources?: object | null;
  readonly RestartPolicy?: RestartPolicy | null;
  readonly Placement?: {
    readonly Constraints?: readonly string[] | null;
    readonly MaxReplicas?: number;
    readonly Platforms?: readonly { readonly OS?: string; readonly Architecture?: string }[] | null;
    readonly [key: string]: unknown;
  } | null;
  readonly ForceUpdate?: number;
  readonly Networks?: readonly NetworkAttachment[] | null;
  /** `container`; absent means the same. */
  readonly Runtime?: string;
  readonly [key: string]: unknown;
}

export interface UpdateConfig {
  /** 0: all at once. */
  readonly Parallelism: number;
  /** Nanoseconds between two batches. */
  readonly Delay?: number;
  readonly FailureAction?: "pause" | "continue" | "rollback";
  /** Nanoseconds after which a task that was updated is no longer watched by the engine. 0: its default of 5 s. */
  readonly Monitor?: number;
  readonly MaxFailureRatio?: number;
  readonly Order?: "stop-first" | "start-first";
}

export interface ServiceMode {
  readonly Replicated?: { readonly Replicas?: number } | null;
  readonly Global?: object | null;
  readonly ReplicatedJob?: { readonly MaxConcurrent?: number; readonly TotalCompletions?: number } | null;
  readonly GlobalJob?: object | null;
}

export interface PortConfig {
  readonly Protocol?: string;
  readonly TargetPort?: number;
  readonly PublishedPort?: number;
  readonly PublishMode?: "ingress" | "host";
  readonly [key: string]: unknown;
}

export interface ServiceSpec {
  readonly Name: string;
  readonly Labels?: Labels | null;
  readonly TaskTemplate: TaskSpec;
  readonly Mode?: ServiceMode;
  readonly UpdateConfig?: UpdateConfig | null;
  readonly RollbackConfig?: UpdateConfig | null;
  readonly EndpointSpec?: {
    readonly Mode?: "vip" | "dnsrr";
    readonly Ports?: readonly PortConfig[] | null;
    readonly [key: string]: unknown;
  } | null;
  readonly [key: string]: unknown;
}

export type UpdateState =
  | "updating"
  | "paused"
  | "completed"
  | "rollback_started"
  | "rollback_paused"
  | "rollback_completed";

export interface Service {
  readonly ID: string;
  readonly Version: ObjectVersion;
  /** ISO 8601, the manager's clock. */
  readonly CreatedAt: string;
  readonly UpdatedAt: string;
  readonly Spec: ServiceSpec;
  /** One deep: any update, a scale too, overwrites it; an automatic rollback clears it. */
  readonly PreviousSpec?: ServiceSpec | null;
  /** Absent when no update had anything to change. */
  readonly UpdateStatus?: {
    readonly State?: UpdateState;
    readonly StartedAt?: string | null;
    readonly CompletedAt?: string | null;
    readonly Message?: string;
  } | null;
  /** Only when a list is asked for it. */
  readonly ServiceStatus?: {
    readonly RunningTasks: number;
    readonly DesiredTasks: number;
    readonly CompletedTasks?: number;
  } | null;
  readonly JobStatus?: { readonly JobIteration?: ObjectVersion; readonly LastExecution?: string } | null;
}

export type TaskState =
  | "new"
  | "allocated"
  | "pending"
  | "assigned"
  | "accepted"
  | "preparing"
  | "ready"
  | "starting"
  | "running"
  | "complete"
  | "shutdown"
  | "failed"
  | "rejected"
  | "remove"
  | "orphaned";

export interface Task {
  readonly ID: string;
  readonly Version: ObjectVersion;
  readonly CreatedAt: string;
  readonly UpdatedAt: string;
  readonly Spec: TaskSpec;
  readonly ServiceID: string;
  /** Absent for tasks of global services. */
  readonly Slot?: number;
  /** Absent until a node was found. */
  readonly NodeID?: string;
  readonly DesiredState: TaskState;
  readonly Status: {
    readonly Timestamp?: string;
    readonly State: TaskState;
    /** What is going on, in the engine's words. */
    readonly Message?: string;
    /** Why it does not go on: `no suitable node (…)`, `No such image: …`, `task: non-zero exit (1)`. */
    readonly Err?: string;
    readonly ContainerStatus?: {
      readonly ContainerID?: string;
      readonly PID?: number;
      readonly ExitCode?: number;
    } | null;
  };
  /** Of jobs: which run of the job it belongs to. */
  readonly JobIteration?: ObjectVersion | null;
}

export interface SwarmNode {
  readonly ID: string;
  readonly Version: ObjectVersion;
  readonly Spec: {
    readonly Role: "worker" | "manager";
    readonly Availability: "active" | "pause" | "drain";
    readonly Labels?: Labels | null;
    readonly Name?: string;
  };
  readonly Description: {
    readonly Hostname: string;
    /** Architecture as the kernel says it (`x86_64`). */
    readonly Platform: { readonly Architecture: string; readonly OS: string };
    readonly Resources?: object;
    readonly Engine?: { readonly EngineVersion?: string; readonly Labels?: Labels | null };
  };
  readonly Status: {
    readonly State: "unknown" | "down" | "ready" | "disconnected";
    readonly Message?: string;
    readonly Addr?: string;
  };
  readonly ManagerStatus?: {
    readonly Leader?: boolean;
    readonly Reachability: "unknown" | "unreachable" | "reachable";
    readonly Addr: string;
  } | null;
}

/** The swarm as a manager knows it. */
export interface SwarmInspect {
  readonly ID: string;
  readonly Version: ObjectVersion;
  readonly CreatedAt: string;
  readonly Spec?: { readonly Name?: string; readonly Orchestration?: { readonly TaskHistoryRetentionLimit?: number } };
}

/** A config or a secret. A secret's data is never shown again. */
export interface SwarmFile {
  readonly ID: string;
  readonly Version: ObjectVersion;
  readonly CreatedAt: string;
  readonly UpdatedAt: string;
  readonly Spec: {
    readonly Name: string;
    readonly Labels?: Labels | null;
    /** Base64; only of configs. */
    readonly Data?: string;
    readonly [key: string]: unknown;
  };
}

/** `Swarm` of `/info`. */
export interface SwarmInfo {
  /** Empty outside a swarm. */
  readonly NodeID?: string;
  readonly LocalNodeState?: "" | "inactive" | "pending" | "active" | "error" | "locked";
  /** Whether this node is a manager. */
  readonly ControlAvailable?: boolean;
  /** Why, when the node is in error or its managers have no quorum. */
  readonly Error?: string;
  readonly Nodes?: number;
  readonly Managers?: number;
}
