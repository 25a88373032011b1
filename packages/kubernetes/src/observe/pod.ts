import type { KubernetesObject } from "../kubernetes-object.ts";
import type { Condition, PodSpec } from "../workload.ts";

/** A pod, as far as Belay looks at it (core/v1). */
export interface Pod extends KubernetesObject {
  readonly spec: PodSpec;
  readonly status?: {
    readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
    /** `Evicted`, `Preempting`, `NodeLost`, … when not its own containers ended it. */
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly hostIP?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  /** Reference with the digest that was pulled, or the digest alone. Empty until it was. */
  readonly imageID: string;
  readonly state?: State;
  readonly lastState?: State;
}

interface State {
  readonly waiting?: Waiting;
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: Termination;
}

export interface Waiting {
  readonly reason?: string;
  readonly message?: string;
}

export interface Termination {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string | null;
  readonly finishedAt?: string | null;
}

/** An event of core/v1. */
export interface PodEvent extends KubernetesObject {
  readonly involvedObject: {
    readonly kind?: string;
    readonly name?: string;
    readonly uid?: string;
    /** `spec.containers{web}`. */
    readonly fieldPath?: string;
  };
  readonly reason?: string;
  readonly message?: string;
  readonly type?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

/** When an event happened last, milliseconds since 1970 by the engine's clock. */
export function timeOf(event: PodEvent): number {
  const text = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
  return Date.parse(text ?? "") || 0;
}
