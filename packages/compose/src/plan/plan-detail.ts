import type { Goal, ServiceChange } from "@belay/core";
import type { ComposeContainer } from "../containers/compose-container.ts";
import type { Model } from "../containers/project-then.ts";
import type { ComposeProject } from "../files/compose-project.ts";
import type { HandOver } from "./hand-over.ts";

/** One service of the release, with all that carrying out the plan needs to know of it. */
export interface PlannedService {
  /** Name in `belay.yaml`. */
  readonly service: string;
  /** Name in the compose files. */
  readonly name: string;
  readonly action: ServiceChange["action"];
  readonly goal: Goal;
  readonly desired: number;
  readonly dependsOn: readonly string[];
  /** `repository@sha256:…`; empty for what is removed. */
  readonly image: string;
  readonly hash: string;
  /** Its containers before the first change. */
  readonly current: readonly ComposeContainer[];
  /** Ids of its containers of other revisions than the one that serves, where the plan leaves them as they are. */
  readonly beside?: readonly string[];
  readonly handOver: HandOver;
}

export interface PlanContents {
  /** The user's project with the release's images pinned, without Belay's labels. */
  readonly project: ComposeProject;
  readonly services: readonly PlannedService[];
  /** Services of the files that the release needs, that have no container yet, and that are not in it. */
  readonly missingDependencies: readonly string[];
  /**
   * The other services of the files, when nobody but Belay has started anything of the project: somebody who deploys it for the first time
   * wants its proxy too. They start once the release serves, and are the user's from then on.
   */
  readonly companions: readonly string[];
  /** Set on the way to an earlier deployment: the new containers of these services (compose's names) are made like these. */
  readonly models?: ReadonlyMap<string, Model>;
  /** Highest deployment number on the containers' labels of this scope. */
  readonly labelledDeployment: number;
}

/**
 * The opaque part of a compose plan. A rendered project holds the values of secrets, so it hides its contents from
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
    throw new TypeError("the plan was not made by the compose target");
  }
}

/** It gets containers of the release. */
export function isBrought(service: PlannedService): boolean {
  return isTouched(service) && service.action !== "remove";
}

export function isTouched(service: PlannedService): boolean {
  return service.action !== "unchanged";
}
