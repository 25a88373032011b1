import { mayChangeInPassing, messageOf, type ObservedService } from "@belay/core";
import type { TargetState } from "../target-state.ts";
import type { NamespaceView } from "./namespace-watch.ts";
import { isBrokenPod, removePod } from "./remove-stuck-pods.ts";
import { isUnknownRevision, podsOf } from "./translate-service.ts";

/** Pods of a StatefulSet that this run has changed, of another revision than it is to have, as looks have found them not ready. */
export class StuckSince {
  readonly #startMs: number;
  readonly #since = new Map<string, number>();

  /** `startMs`: how long one may be not ready. Without it only what is broken counts. */
  constructor(startMs = Number.POSITIVE_INFINITY) {
    this.#startMs = startMs;
  }

  /** Ids of those that have been among them at each look for all the time that they may, by the monotonic time `now`. */
  notice(ids: ReadonlySet<string>, now: number): ReadonlySet<string> {
    for (const id of this.#since.keys()) if (!ids.has(id)) this.#since.delete(id);
    for (const id of ids) if (!this.#since.has(id)) this.#since.set(id, now);
    return new Set([...this.#since].flatMap(([id, since]) => (now - since >= this.#startMs ? [id] : [])));
  }
}

/**
 * A pod that was ready when its StatefulSet was changed, or might still have become so, can get stuck since: one that crashes is
 * ready for a moment after each start. Then it is removed by the way, for the reason that `removeStuckPods` tells. Never fails,
 * except with the signal: the next look finds what is still to be done.
 */
export async function removeStuckSince(
  state: TargetState,
  services: readonly ObservedService[],
  view: NamespaceView,
  signal: AbortSignal,
): Promise<void> {
  if (state.freed.size === 0 || !mayChangeInPassing()) return;
  const now = state.options.clock.now();
  for (const { name, instances, wantedRevision, conditions } of services) {
    const stuckSince = state.freed.get(name);
    // What somebody else has made of it is theirs to put right.
    if (stuckSince === undefined || conditions.some(({ type }) => type === "drifted")) continue;
    const others = instances.filter(
      ({ phase, ready, revision }) =>
        phase === "current" && !ready && revision !== wantedRevision && !isUnknownRevision(revision),
    );
    const late = stuckSince.notice(new Set(others.map(({ id }) => id)), now);
    const pods = new Map(podsOf(state.keyOf(name), view).map((pod) => [pod.metadata.uid, pod]));
    for (const { id, title } of others) {
      const pod = pods.get(id);
      if (pod === undefined || (!isBrokenPod(pod) && !late.has(id))) continue;
      await removePod(state, { name: title, uid: id }, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        state.options.log.debug(`the pod ${title} could not be removed: ${messageOf(error)}`);
      });
    }
  }
}
