import { type Clock, retry, type Scope } from "@belay/core";
import { isStatus } from "../api/api-error.ts";
import { checkFence } from "../check-fence.ts";
import type { Marks } from "../desired.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import type { KubernetesObject, ObjectKey } from "../kubernetes-object.ts";

/** How often an object that others change all the time (a controller its status) is read again, at growing intervals. */
const ATTEMPTS = { attempts: 30, delayMs: 20, maxDelayMs: 200 } as const;

export interface Removal {
  readonly key: ObjectKey;
  /** The object as it was read before; one of the same name that came since is another's. */
  readonly before: KubernetesObject;
  /** As of {@link checkFence}: what this run would write. */
  readonly marks: Marks;
  readonly propagation?: "Foreground" | "Background";
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Removes that very object, in the version that was just read: a request of a run that was taken over comes to nothing where
 * its recoverer has put the object back. One that is gone is no error.
 * @throws BelayError FENCED when a later deployment has changed it.
 */
export async function removeObject(
  api: KubernetesApi,
  scope: Scope,
  { key, before, marks, propagation, clock }: Removal,
  signal: AbortSignal,
): Promise<void> {
  const { uid } = before.metadata;
  const retryable = (error: unknown): boolean => isStatus(error, 409);
  await retry({ ...ATTEMPTS, retryable, signal, ...(clock && { clock }) }, async () => {
    const live = await api.get(key, signal);
    if (live === undefined || live.metadata.uid !== uid) return;
    checkFence(live, scope, marks, before);
    const { resourceVersion } = live.metadata;
    const only = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    await api.remove(key, { signal, ...only, ...(propagation && { propagation }) });
  });
}
