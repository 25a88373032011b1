import type { Condition } from "@belay/core";
import { conditionKey } from "./baseline.ts";
import type { Scene } from "./scene.ts";

/**
 * How long a thing must be seen that an engine may still put right by itself in a moment: an ended container that is
 * about to be replaced, a node that is full only until an instance on it has stopped. Or a person: `kubectl replace --force`
 * removes what it makes again.
 */
export const SETTLE_MS = 2_000;

/** The same for what a rule forbids that others fill too: what makes room for it is not always seen from here. */
const FORBIDDEN_MS = 5_000;
/**
 * The same for a config or a secret: an operator may make it a moment after the workload, and the engine must have looked
 * again since (the kubelet does so after 10 to 15 s: `backOffPeriod` with its jitter).
 */
const MISSING_MS = 18_000;

/**
 * When a condition of the service counts, monotonic; `undefined` when nobody can say yet.
 *
 * On the way back nothing better is left, so that a node or a quota is waited for as long as a start may take: a node that was
 * drained comes back, and a cluster gets another one.
 */
export function countsAt({ service, terms, memory }: Scene, condition: Condition): number | undefined {
  const { since: times, free } = memory.conditions;
  const since = times.get(conditionKey(service.name, condition));
  if (since === undefined) return undefined;
  const { policy, isLast } = terms;
  const patient = (milliseconds: number): number => (isLast ? Math.max(policy.startMs, milliseconds) : milliseconds);
  if (condition.type === "unschedulable") return since + patient(SETTLE_MS);
  if (condition.mayPass !== true) return since;
  if (condition.type === "drifted") return since + SETTLE_MS;
  if (condition.type === "start_failed") return since + policy.startMs;
  if (condition.type !== "quota") return since + patient(MISSING_MS);
  // An instance on its way out still fills a quota, and has as long for that as its grace period says.
  if (free === undefined) return undefined;
  const from = Math.max(since, free);
  // Engines double the time between their tries: the first one after that comes when as much time has passed again.
  return from + Math.max(patient(FORBIDDEN_MS), from - since);
}
