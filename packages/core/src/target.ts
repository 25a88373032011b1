import type { Digest } from "./digest.ts";
import type { Goal, Observation } from "./observation.ts";
import type { RolloutPolicy } from "./policy.ts";
import type { RecordStore } from "./records.ts";
import type { Release } from "./release.ts";
import type { Scope, TargetKind } from "./scope.ts";

/** What a preflight check found: a reason not to begin, a warning, or a question it could not answer. */
export interface Finding {
  readonly level: "refuse" | "warn" | "cannot tell";
  /** Stable name of the check: `image_missing`, `fixed_port`. */
  readonly check: string;
  readonly service?: string;
  readonly message: string;
  /** What the user can do about it. */
  readonly remedy?: string;
}

/** What runs of a service, or should. */
export interface RevisionFacts {
  readonly revision: string;
  /** As it stands on the engine or goes to it: `repository@sha256:…`. */
  readonly image: string;
  readonly digests: readonly Digest[];
  readonly instances: number;
}

export interface ServiceChange {
  /** Name in `belay.yaml`. */
  readonly service: string;
  /** Name on the engine. */
  readonly name: string;
  readonly action: "create" | "update" | "recreate" | "unchanged" | "remove";
  readonly goal: Goal;
  readonly desired: number;
  /** Services (of the plan) that must be right before this one changes. */
  readonly dependsOn: readonly string[];
  readonly from?: RevisionFacts;
  readonly to?: RevisionFacts;
  /** One line per difference: names, never secret values. */
  readonly differences: readonly string[];
}

/** What the engine must show at the end, per service. */
export interface Wanted {
  readonly service: string;
  readonly goal: Goal;
  readonly desired: number;
  readonly revision: string;
  readonly digests: readonly Digest[];
}

/** The difference between what runs and what the release wants, plus preflight findings. Pure data, printable. */
export interface Plan {
  readonly scope: Scope;
  readonly services: readonly ServiceChange[];
  /**
   * What else is changed, one line per object that makes no instance: `update service/web: spec.ports[80].targetPort`. Names,
   * never secret values.
   */
  readonly others?: readonly string[];
  readonly findings: readonly Finding[];
  /** What the way back does not cover, by name: `the volume shop_data`. */
  readonly notCovered: readonly string[];
  /** Deployment number found on running resources' labels, when the ledger may be lost. 0 when there is none. */
  readonly labelledDeployment: number;
  /** The policy leaves a release that fails where it is; without it, or when it is false, what ran before comes back. */
  readonly keepsFailed?: boolean;
  /** What the target needs to carry the plan out. Opaque to everybody else. */
  readonly detail: unknown;
}

/**
 * How far a stage must have come before the next one begins.
 * `ready`: the wanted instances are ready, others may still serve. `alone`: and none of another revision is current.
 */
export type Expectation = "ready" | "alone";

/** One step of carrying out a plan: a change, then what must become true. */
export interface ExecutionStage {
  /** `start`, `shift`, `retire`: shown in the log and known to the kill tests. */
  readonly name: string;
  /**
   * Changes the target. Must be safe to repeat: a recoverer may run it again. Each change asks `changePermit()` just before
   * it is sent, and throws what that throws.
   */
  act(signal: AbortSignal): Promise<void>;
  readonly expect: Expectation;
  /** Whether this must hold for the stable window before the next stage. */
  readonly stable: boolean;
  /** Names of the services that are judged in this stage: those that have had their change. Default: all. */
  readonly services?: readonly string[];
}

/** A way from what runs to what is wanted: forward for a release, backward for a snapshot. */
export interface Execution {
  readonly wanted: readonly Wanted[];
  readonly stages: readonly ExecutionStage[];
  /** What the last stage was to clear away and could not. It serves nobody, so it says nothing against the release. */
  leftBehind?(): readonly Leftover[];
}

/** Something that stays on the target because the engine refuses to remove it. */
export interface Leftover {
  /** As a person calls it: `the container shop-web-1`. */
  readonly what: string;
  readonly service?: string;
  /** Command with which a person removes it, ready to paste. */
  readonly command: string;
  /** What the engine said. */
  readonly why: string;
}

/** Context that a target writes on what it makes. */
export interface DeploymentContext {
  readonly deployment: number;
  readonly release: Digest;
  readonly policy: RolloutPolicy;
}

/** Evidence of one failed instance, taken before anything is restored. Already redacted and bounded. */
export interface InstanceEvidence {
  readonly service: string;
  readonly instance: string;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Last output of the container's own health check. */
  readonly healthOutput?: string;
  readonly logLines: readonly string[];
  readonly events: readonly string[];
  /** What the engine can't show, said as such. */
  readonly unknown: readonly string[];
}

/** A service as it runs now, read from the engine: for `status` and as proof. */
export interface RunningService {
  readonly service: string;
  readonly name: string;
  /** Of the instances that serve. */
  readonly revision: string;
  /** The one that the engine is to bring up, where another one still serves: a rollout that goes on, or does not get on. */
  readonly wantedRevision?: string;
  readonly image: string;
  readonly digests: readonly Digest[];
  readonly ready: number;
  readonly desired: number;
  /** Deployment and release that the labels on the instances name. */
  readonly deployment?: number;
  readonly release?: string;
  /** Engine's time of the youngest instance, ISO 8601. */
  readonly since?: string;
  /** Commit from the image's label; anybody can write a label, so it is unverified. */
  readonly labelledCommit?: string;
}

/** An engine that runs a release. It only translates: it decides nothing. */
export interface Target {
  readonly kind: TargetKind;
  readonly scope: Scope;
  readonly store: RecordStore;
  /** The engine refuses an update that was made from an older state of the object than the one in force (docs/ledger.md). */
  readonly refusesStale: boolean;
  /** Reads what runs and what the release wants, and checks what can be checked. Changes nothing. */
  plan(release: Release, policy: RolloutPolicy): Promise<Plan>;
  /** All that is needed to restore the services that the plan touches. Bytes, because they go into the ledger. */
  snapshot(plan: Plan): Promise<Uint8Array>;
  /** The way forward. Nothing is changed until a stage acts. */
  execution(plan: Plan, context: DeploymentContext): Execution;
  /**
   * The way back to a snapshot, from wherever a dead or failed deployment left the target.
   * Reads the target first; safe to call and to run again at any time.
   */
  restoration(snapshot: Uint8Array, context: DeploymentContext): Promise<Execution>;
  /**
   * The plan of going back to what ran when these snapshots were taken, oldest first: of each service the first one that
   * has it counts. {@link Target.snapshot} and {@link Target.execution} take it like a plan for a release. Changes nothing.
   *
   * What the target runs of the application besides is in the plan as `unchanged`, so that it is judged too. `to` names
   * the image with its digests: whoever asked compares them with the release that he wants to go back to. A service that
   * did not exist then has the action `remove`. An image that neither the engine nor its registry has any more is a
   * finding `image_missing`. Instances are labelled with the new deployment; a scale that is higher now is kept.
   */
  planRestoration(snapshots: readonly Uint8Array[], policy: RolloutPolicy): Promise<Plan>;
  observe(wanted: readonly Wanted[], signal: AbortSignal): Promise<Observation>;
  /** Yields whenever something may have changed. Ends with the signal; a broken stream is resumed inside. */
  changes(signal: AbortSignal): AsyncIterable<void>;
  dossier(
    wanted: readonly Wanted[],
    observation: Observation,
    signal: AbortSignal,
  ): Promise<readonly InstanceEvidence[]>;
  /**
   * The release has failed as observed, and the way back follows: what has crashed of it by now or does so before the signal,
   * and was made by this run's own deployment, is kept from being started again, so that the engine does not write over its
   * evidence, and is not in the middle of a start when it is to be removed. What else runs of a service that has crashed, and is
   * no evidence, may be told to end. What may be all that serves is left alone. Only a help: the way back removes also what this
   * does not reach. May go on until the signal, after which nothing more is sent. Each change asks `changePermit()`. For engines
   * that can do so.
   */
  hold?(observation: Observation, signal: AbortSignal): Promise<void>;
  running(): Promise<readonly RunningService[]>;
  /** Commands for a person who wants to look further or stay coherent, ready to paste. */
  advice(): Promise<readonly { readonly title: string; readonly command: string }[]>;
  close(): Promise<void>;
}

/** Asks the probes while a deployment is watched. */
export interface Prober {
  /** Told of each observation, so that instances come under and go out of questioning. */
  follow(observation: Observation): void;
  readings(): ProbeReadings;
  /** Resolves when a reading changed its state, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

type ProbeReadings = Observation["probes"];
