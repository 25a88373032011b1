import type { Finding, Goal } from "@belay/core";
import type { KubernetesObject, ObjectKey } from "./kubernetes-object.ts";

/*
 * The contract between the core of this package (plans, stages, observations, restorations: everything that decides when an
 * object changes) and whoever says what should be: existing workloads with another image (`existing/`), or manifests
 * (`manifests/`, which exports `renderManifests(options): Promise<DesiredState>` and the verb `apply`).
 */

/** How an object is changed, and so how it is brought back: never by another verb than the one that changed it. */
export type VerbName = "patch-image" | "apply";

/** One object as it should be at the end. */
export interface DesiredObject extends ObjectKey {
  readonly verb: VerbName;
  /**
   * Name in `belay.yaml` of the service whose pods this workload makes; a workload of the manifests that `belay.yaml` does
   * not have goes by `kind/name` in lower case. None for objects without pods (ConfigMap, Service, …): they are changed in
   * the stage of the first workload, or before it, and nothing of them is judged.
   */
  readonly service?: string;
  /** `complete` for Jobs. What is not a workload has none. */
  readonly goal?: Goal;
  /** `service` names that must be right before this one changes. Without cycles. */
  readonly dependsOn: readonly string[];
  /**
   * `apply`: the whole object with images pinned (`repository@sha256:…`), *without* Belay's labels and annotations, which
   * are added by the verb when the deployment's number is known, and without `spec.replicas` where an autoscaler owns it.
   */
  readonly body?: KubernetesObject;
  /** `patch-image`: container name → pinned image. */
  readonly images?: Readonly<Record<string, string>>;
}

/** What should be, all of it, with what was found out on the way. */
export interface DesiredState {
  /** In the order in which they are changed: namespaces, accounts and ConfigMaps before workloads, Services after them. */
  readonly objects: readonly DesiredObject[];
  /**
   * Objects of this scope (label `belay.dev/scope`) that the manifests no longer have: removed in a last stage, after the
   * release was proven, and brought back on the way back. Never volumes, claims or namespaces.
   */
  readonly prune: readonly ObjectKey[];
  readonly findings: readonly Finding[];
  /** What the way back does not cover, by name: `the persistent volume claim data-db-0`. */
  readonly notCovered: readonly string[];
}

/** What Belay writes on an object's metadata, never into a pod template: that alone would start a rollout. */
export interface Marks {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What an object would become, found out without changing it. */
export interface Preview {
  /**
   * The object as the API server would store it (a dry-run: defaults, webhooks and validation included). `undefined` when
   * that could not be found out; then there is a finding.
   */
  readonly object: KubernetesObject | undefined;
  /** `unchanged`: the object is as it should be already, Belay's own marks left aside. */
  readonly action: "create" | "update" | "unchanged";
  /** One line per difference: `spec.replicas`, `image web: old → new`. Names, never secret values. */
  readonly differences: readonly string[];
  /** Immutable fields, conflicts of field owners, a quota, a webhook that refuses. */
  readonly findings: readonly Finding[];
}

/** An object before the first change, as it goes into the ledger. It may hold values of secrets; so may the ledger. */
export interface SavedObject {
  readonly key: ObjectKey;
  readonly verb: VerbName;
  readonly service?: string;
  readonly goal?: Goal;
  /** Container name → image, as in {@link DesiredObject.images}: which container stands for the service. */
  readonly images?: Readonly<Record<string, string>>;
  /** The object as it was; none when it did not exist: then the way back removes it. */
  readonly was?: KubernetesObject;
  /** More that the verb needs to restore: what it had applied before (`apply`). JSON. */
  readonly more?: unknown;
}

/**
 * One way to change objects. The core calls it, in its order, with its deadlines; it decides nothing.
 * All are safe to repeat: a recoverer may run them again after a dead run.
 */
export interface ObjectVerb {
  /** Changes nothing. `live`: the object as it is, or `undefined`. */
  preview(desired: DesiredObject, live: KubernetesObject | undefined): Promise<Preview>;
  /**
   * Makes it so, with preconditions (uid, resourceVersion or a test of the old value) so that a human's or another run's
   * change is never overwritten unseen. `seen`: the object as it was read a moment ago. Answers with the object as stored.
   * @throws BelayError ENGINE_ERROR when the API server refuses for good or somebody else was faster, FENCED when a later
   * deployment was.
   */
  change(desired: DesiredObject, marks: Marks, signal: AbortSignal, seen?: KubernetesObject): Promise<KubernetesObject>;
  /** What of `live` has to be kept for the way back. Changes nothing. */
  save(desired: DesiredObject, live: KubernetesObject | undefined): SavedObject;
  /**
   * Brings an object back to `saved.was`, by this verb; the live replica count is kept, and an object that is gone is created
   * again. `marks` come on top of those that it had: at least one of them is new with each deployment, so that a request of a
   * dead run that is still under way finds another resourceVersion. Re-reads and classifies conflicts. Only called for
   * objects that existed. `seen`: the object as it was read a moment ago. Answers with the object as stored.
   * @throws as {@link change}
   */
  restore(saved: SavedObject, marks: Marks, signal: AbortSignal, seen?: KubernetesObject): Promise<KubernetesObject>;
  /** What {@link restore} would make of it, by a dry-run: its pod template is the revision that must be seen at the end. */
  previewRestore(saved: SavedObject, signal?: AbortSignal, seen?: KubernetesObject): Promise<KubernetesObject>;
}
