import type { Condition, Wanted } from "@belay/core";
import { type ComposeContainer, isLive } from "./compose-container.ts";

/** What of a way tells its own containers from those that somebody else makes or removes meanwhile. */
export interface WayFacts {
  /** Containers that were there when it was planned, whoever made them. */
  readonly there: ReadonlySet<string>;
  /** Of a service: containers of the wanted revision that ran on this way, with their names. */
  readonly ran: ReadonlyMap<string, string>;
  /** Hash of the scope, which is on all that Belay makes. */
  readonly scope: string;
  /** Of a container that Belay ends. */
  readonly isLeaving: (id: string) => boolean;
}

/**
 * What somebody else has done with the containers of a service that runs: removed some that are needed, made others. Nobody
 * replaces them but that person, who may be about to do so. What runs once may go when its work is done.
 */
export function othersDoing(wanted: Wanted, containers: readonly ComposeContainer[], facts: WayFacts): Condition[] {
  if (wanted.goal === "complete") return [];
  const { there, ran, scope, isLeaving } = facts;
  const ids = new Set(containers.map(({ id }) => id));
  const own = containers.filter(({ revision }) => revision === wanted.revision);
  const gone = [...ran].filter(([id]) => !ids.has(id) && !isLeaving(id));
  const made = containers.filter(
    (one) => isLive(one) && one.revision !== wanted.revision && one.scope !== scope && !there.has(one.id),
  );
  const doings = [
    ...(gone.length > 0 && own.length < wanted.desired ? [`removed ${gone.map(([, name]) => name).join(", ")}`] : []),
    ...(made.length > 0 ? [`made ${made.map(({ name }) => name).join(", ")}`] : []),
  ];
  if (doings.length === 0) return [];
  return [{ type: "drifted", message: `somebody else ${doings.join(" and ")} in between`, mayPass: true }];
}
