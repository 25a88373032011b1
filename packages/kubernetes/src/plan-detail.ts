import type { ServiceChange } from "@belay/core";
import type { DesiredObject, Preview, SavedObject } from "./desired.ts";
import type { KubernetesObject, ObjectKey } from "./kubernetes-object.ts";

/** One object of the plan, with all that carrying it out needs to know of it. */
export interface PlannedObject {
  readonly desired: DesiredObject;
  /** As it was when the plan was made. */
  readonly live: KubernetesObject | undefined;
  readonly preview: Preview;
  /** On the way back to an earlier deployment: what it is put back to, instead of `desired`. */
  readonly restores?: SavedObject;
}

/** One object that goes in the last stage. */
export interface PrunedObject {
  readonly key: ObjectKey;
  readonly live: KubernetesObject;
  /** Whose workload it is. */
  readonly service?: string;
}

export interface PlanContents {
  readonly objects: readonly PlannedObject[];
  readonly changes: readonly ServiceChange[];
  /** Removed in the last stage, with what they are now. */
  readonly prune: readonly PrunedObject[];
  readonly labelledDeployment: number;
  /** Workloads whose replicas an autoscaler owns (`deployment/web`), with the fewest that it may leave. */
  readonly floors: ReadonlyMap<string, number>;
  /** How many pods of a service's present template are ready, by service. */
  readonly ready: ReadonlyMap<string, number>;
}

/**
 * The opaque part of a Kubernetes plan. Objects may hold the values of secrets, so it hides its contents from
 * `JSON.stringify` and from printing.
 */
export class PlanDetail {
  readonly #contents: PlanContents;

  constructor(contents: PlanContents) {
    this.#contents = contents;
  }

  /** @throws TypeError for a detail that this target did not make. */
  static open(detail: unknown): PlanContents {
    if (detail instanceof PlanDetail) return detail.#contents;
    throw new TypeError("the plan was not made by the Kubernetes target");
  }
}

export function isTouched({ preview }: PlannedObject): boolean {
  return preview.action !== "unchanged";
}
