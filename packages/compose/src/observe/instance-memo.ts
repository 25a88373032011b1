import type { Digest, Instance, Wanted } from "@belay/core";
import type { ComposeContainer } from "../containers/compose-container.ts";
import type { Death } from "../containers/container-notes.ts";
import { type Knowledge, translateInstance } from "./translate-observation.ts";

interface Entry {
  readonly facts: Facts;
  readonly instance: Instance;
}

/** All that an instance is made of besides its container, while that has not ended. */
interface Facts {
  readonly revision: string;
  readonly goal: Wanted["goal"];
  readonly digests: readonly Digest[] | undefined;
  readonly died: Death | undefined;
  readonly stopping: boolean;
  readonly restartedAt: number | undefined;
}

/**
 * What was made of each container when it changed last: while neither it nor what is known of it changes, it stays the same
 * object, into which the judge need not look. Of one that has ended, more counts than is compared: it is made anew.
 */
export class InstanceMemo {
  readonly #entries = new WeakMap<ComposeContainer, Entry>();

  instanceOf(wanted: Wanted, container: ComposeContainer, known: Knowledge): Instance {
    const facts = factsOf(wanted, container, known);
    const last = this.#entries.get(container);
    if (last !== undefined && isSame(last.facts, facts)) return last.instance;
    const instance = translateInstance(wanted, container, known);
    if (instance.endedBy === undefined) this.#entries.set(container, { facts, instance });
    return instance;
  }
}

function factsOf({ revision, goal }: Wanted, { id, inspect }: ComposeContainer, known: Knowledge): Facts {
  const { died } = known.noteOf(id);
  return {
    ...{ revision, goal, died, digests: known.digests.get(inspect.Image) },
    stopping: known.stopping.has(id),
    restartedAt: known.restarted.get(id),
  };
}

function isSame(one: Facts, other: Facts): boolean {
  return (
    one.revision === other.revision &&
    one.goal === other.goal &&
    one.digests === other.digests &&
    one.died === other.died &&
    one.stopping === other.stopping &&
    one.restartedAt === other.restartedAt
  );
}
