import { BelayError, type Digest, type Finding, type Goal } from "@belay/core";
import type { Service, ServiceSpec } from "@belay/docker";
import type { DesiredStack } from "../desired.ts";
import type { NetworkSnapshot } from "../spec/snapshot.ts";

/** One service, with all that carrying out the plan needs to know of it. */
export interface PlannedService {
  /** Name in `belay.yaml`, or the key in the stack's files. */
  readonly service: string;
  /** Full name on the engine. */
  readonly name: string;
  readonly action: "create" | "update" | "remove" | "unchanged";
  readonly goal: Goal;
  readonly desired: number;
  readonly dependsOn: readonly string[];
  /** As it was before the first change. */
  readonly current?: Service;
  /** How many of its tasks were right then. */
  readonly ready: number;
  /**
   * The whole spec as it should be, without Belay's labels, made from the one in force just before it is sent: what the plan
   * does not change (a scale, labels set by hand) stays as it is by then. None for what is removed.
   */
  readonly draft?: (live: ServiceSpec | undefined) => ServiceSpec;
  /** Replicas that the plan writes; none: the live number stays. */
  readonly replicas?: number;
  /** `repository@sha256:…`, or as it stands on the engine for what no release names. */
  readonly image: string;
  /** Revision of the task template that is wanted. */
  readonly revision: string;
  readonly digests: readonly Digest[];
}

export interface PlanContents {
  /** Dependencies before what depends on them; what is removed comes last. */
  readonly services: readonly PlannedService[];
  /** What was found while they were looked for and put in order. */
  readonly findings?: readonly Finding[];
  /** Rendered from files; none when existing services get another image. */
  readonly stack?: DesiredStack;
  /** Networks that services of an earlier deployment were in: made again where they are gone. */
  readonly networks?: readonly NetworkSnapshot[];
  /** Highest deployment number on labels of this scope before the first change. */
  readonly labelledDeployment: number;
}

export function isTouched({ action }: Pick<PlannedService, "action">): boolean {
  return action !== "unchanged";
}

/** Carried in `Plan.detail`, opaque to everybody else. */
export class PlanDetail {
  readonly #contents: PlanContents;

  constructor(contents: PlanContents) {
    this.#contents = contents;
  }

  static open(detail: unknown): PlanContents {
    if (detail instanceof PlanDetail) return detail.#contents;
    throw new BelayError("INTERNAL", { doing: "opening a plan for Swarm", got: "it was made by another target" });
  }

  /** Specs hold values of environment variables. */
  toJSON(): string {
    return "opaque";
  }
}

/** What a service that should not exist looks like: nothing of it. */
export const GONE = { revision: "none", digests: [] } as const;
