import type { Digest } from "./digest.ts";

/** `run`: keeps running. `complete`: runs once and ends with exit code 0. */
export type Goal = "run" | "complete";

/**
 * Where an instance stands: `current` may serve or will, `draining` was taken out of service on purpose and ends,
 * `history` has ended and was replaced.
 */
export type Phase = "current" | "draining" | "history";

export interface ContainerState {
  readonly name: string;
  readonly role: "main" | "init" | "sidecar";
  /** The members of the identity that this engine shows. */
  readonly digests: readonly Digest[];
  readonly state: "waiting" | "running" | "paused" | "restarting" | "exited" | "dead";
  /** Why it waits, in the engine's own word: `ImagePullBackOff`, `CrashLoopBackOff`. */
  readonly reason?: string;
  /** The engine's sentence beside that word: `secret "database" not found`. */
  readonly message?: string;
  /** How often the engine started it again in place. Swarm and recreated containers stay at 0. */
  readonly restarts: number;
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  readonly lastExit?: {
    readonly code: number;
    readonly oomKilled: boolean;
    /** The engine's message when it could not start the container at all. */
    readonly error?: string;
    /** The engine ended it because this check of its own failed (Kubernetes: the kubelet's `Killing` event). */
    readonly killedBy?: "startup probe" | "liveness probe";
    /** Engine's time, milliseconds since 1970. */
    readonly at?: number;
  };
}

/** One running copy on any engine: a Swarm task, a pod, a container. */
export interface Instance {
  /** As the engine names it; unique for ever. */
  readonly id: string;
  /** What a person calls it: `shop-web-4`. */
  readonly title: string;
  /** The place it fills: Swarm slot, StatefulSet ordinal, Compose container number. */
  readonly slot: string;
  readonly node?: string;
  readonly revision: string;
  readonly phase: Phase;
  /** Engine's time, milliseconds since 1970. */
  readonly createdAt: number;
  /** Who ended it, when it has ended. */
  readonly endedBy?: "self" | "engine" | "node";
  readonly ready: boolean;
  readonly containers: readonly ContainerState[];
}

/** A fact about the service as a whole that may come without any instance (a quota that forbids the first pod). */
export interface Condition {
  readonly type:
    | "image_unavailable"
    | "config_missing"
    | "unschedulable"
    | "quota"
    | "start_failed"
    | "engine_paused"
    | "engine_rolled_back"
    /** The engine's own time for a rollout is over (Kubernetes: `ProgressDeadlineExceeded`). */
    | "start_timeout"
    /** The engine ends an instance because its own check failed; the end itself may take as long as the instance wants. */
    | "startup_killed"
    | "unhealthy"
    /** What was to complete has failed for good, and no instance is left that could tell how. */
    | "exited"
    /** Somebody else changed or removed the service while it was deployed. */
    | "drifted";
  readonly message: string;
  /**
   * The engine goes on trying by itself, and what stands in the way may go: a quota that an instance on its way out still
   * fills, a webhook that restarts. Or somebody removed a service who is about to make it again. Such a condition counts only
   * when it lasts, however its message changes meanwhile.
   */
  readonly mayPass?: boolean;
}

export interface ObservedService {
  /** Name in `belay.yaml`. */
  readonly name: string;
  /** What it is on the engine: `container`, `replicated`, `Deployment`. */
  readonly kind: string;
  readonly goal: Goal;
  /** How many instances should run (or complete). */
  readonly desired: number;
  readonly wantedRevision: string;
  readonly conditions: readonly Condition[];
  readonly instances: readonly Instance[];
}

/** The last word of one probe, counted by the prober. */
export interface ProbeReading {
  /** `http GET http://127.0.0.1:8080/healthz`. */
  readonly title: string;
  readonly service: string;
  /** Instance that was asked; none when the probe asks the service as a whole (through the proxy). */
  readonly instance?: string;
  /** `failing` only after as many failures in a row as the probe's retries. */
  readonly state: "waiting" | "passing" | "failing";
  readonly detail: string;
  /** It passed, but other instances served then: it says nothing of those that serve now. */
  readonly outdated?: true;
}

/** All services and their instances of one moment, normalised over engines. */
export interface Observation {
  /** Engine's time, milliseconds since 1970. Never mixed with the runner's clock. */
  readonly at: number;
  readonly services: readonly ObservedService[];
  readonly probes: readonly ProbeReading[];
}
