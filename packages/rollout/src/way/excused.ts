import type { CauseDetail, Observation, ObservedService } from "@belay/core";

/**
 * Services that were ill before a deployment began, where no release has ever been proven: nothing better is known than what
 * they were. One of them that fails on the way back does not end it: the way goes to its end without it, so that what the
 * deployment made goes and what was laid aside for the way comes back. That it failed is kept for the end.
 */
export class Excused {
  readonly #ill: ReadonlySet<string>;
  readonly #patienceMs: number;
  readonly #causes = new Map<string, CauseDetail>();
  #fewest = Number.POSITIVE_INFINITY;
  #fewerSince = 0;

  /** `patienceMs`: how long it is waited for what is to go of them, from the last time that it became less. */
  constructor(ill: readonly string[], patienceMs: number) {
    this.#ill = new Set(ill);
    this.#patienceMs = patienceMs;
  }

  /** Why the first of them failed, if one did. */
  get cause(): CauseDetail | undefined {
    return this.#causes.values().next().value;
  }

  /** Whether the way goes on without the service that failed so. Each one once. */
  take(service: string, cause: CauseDetail): boolean {
    // What somebody else has made of it is not what was before.
    if (cause.cause === "drifted") return false;
    if (!this.#ill.has(service) || this.#causes.has(service)) return false;
    this.#causes.set(service, cause);
    this.#fewest = Number.POSITIVE_INFINITY;
    return true;
  }

  /**
   * What the judge is shown at the monotonic time `now`: of those that failed nothing but what is to go. An engine may keep
   * that for as long as what comes back is not ready.
   */
  show(seen: Observation, now: number): Observation {
    if (this.#causes.size === 0) return seen;
    const isTaken = (name: string): boolean => this.#causes.has(name);
    const taken = seen.services.filter(({ name }) => isTaken(name));
    const count = taken.reduce((sum, one) => sum + strangersOf(one).length, 0);
    if (count < this.#fewest) {
      this.#fewest = count;
      this.#fewerSince = now;
    }
    const isOver = now - this.#fewerSince >= this.#patienceMs;
    return {
      ...seen,
      services: seen.services.map((one) => (isTaken(one.name) ? withoutOld(one, isOver) : one)),
      probes: seen.probes.filter(({ service }) => !isTaken(service)),
    };
  }
}

/** Instances that may serve beside what is wanted. */
export function strangersOf({ instances, wantedRevision }: ObservedService): ObservedService["instances"] {
  return instances.filter(({ phase, revision }) => phase === "current" && revision !== wantedRevision);
}

function withoutOld(service: ObservedService, isOver: boolean): ObservedService {
  const conditions = service.conditions.filter(({ type }) => type === "drifted");
  return { ...service, desired: 0, conditions, instances: isOver ? [] : strangersOf(service) };
}
