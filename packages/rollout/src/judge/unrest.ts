import type { KnownInstance, KnownInstances } from "./known-instances.ts";

/** What became of a service's wanted instances after as many as are wanted were there. */
export interface Unrest {
  readonly came: Happened;
  readonly went: Happened;
  readonly restarted: Happened;
}

interface Happened {
  readonly times: number;
  /** Title of the instance that did it last. */
  readonly last: string;
}

const NEVER: Happened = { times: 0, last: "" };
export const NO_UNREST: Unrest = { came: NEVER, went: NEVER, restarted: NEVER };

/** One look later. Pure. `past` itself where nothing came, went or was restarted. */
export function addUnrest(past: Unrest, before: KnownInstances, after: KnownInstances): Unrest {
  if (before === after || (before.wanted === after.wanted && !after.turned)) return past;
  const left = new Map(before.list.filter(isWanted).map((one) => [one.id, one]));
  let { came, went, restarted } = past;
  for (const one of after.list.filter(isWanted)) {
    const was = left.get(one.id);
    if (was === undefined) came = again(came, one);
    else if (was.facts?.restarts !== one.facts?.restarts) restarted = again(restarted, one);
    left.delete(one.id);
  }
  for (const one of left.values()) went = again(went, one);
  return { came, went, restarted };
}

function isWanted(one: KnownInstance): boolean {
  return one.current && one.facts !== undefined;
}

function again({ times }: Happened, { instance }: KnownInstance): Happened {
  return { times: times + 1, last: instance.title };
}

/** `12 came (the last: web-23), 12 went (the last: web-21)`; nothing when nothing happened. */
export function describeUnrest(unrest: Unrest): string | undefined {
  const parts = (["came", "went", "restarted"] as const).flatMap((what) => {
    const { times, last } = unrest[what];
    return times === 0 ? [] : [`${times} ${what} (${times === 1 ? "" : "the last: "}${last})`];
  });
  return parts.length === 0 ? undefined : parts.join(", ");
}
