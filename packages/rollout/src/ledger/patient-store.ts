import { isBelayError, messageOf, type RecordStore, retry } from "@belay/core";
import type { LedgerOptions } from "./ledger.ts";

/** How long a holder without a beat counts as alive, in milliseconds. */
export const LIFE_MS = 30_000;

type Patience = Pick<LedgerOptions, "clock" | "log" | "random" | "lifeMs">;

/**
 * The same records, asked for again when the engine was away or failed for a moment. A request whose answer was lost is sent
 * again with the same bytes: `create` knows its own. Only removing is tried once: whoever cleans up does so again anyway.
 */
export function patientStore(store: RecordStore, { clock, log, random, lifeMs = LIFE_MS }: Patience): RecordStore {
  const patiently = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    retry(
      {
        attempts: 4,
        delayMs: lifeMs / 60,
        maxDelayMs: lifeMs / 12,
        retryable: (error) => isBelayError(error, "ENGINE_UNREACHABLE", "ENGINE_ERROR"),
        onRetry: (error) => log.debug(`ledger ${doing}: ${messageOf(error)}; trying again`),
        clock,
        random,
      },
      work,
    );
  const { made } = store;
  return {
    create: (name, bytes) => patiently("write", () => store.create(name, bytes)),
    list: () => patiently("list", () => store.list()),
    read: (name) => patiently("read", () => store.read(name)),
    remove: (name) => store.remove(name),
    ...(made === undefined ? {} : { made: (name, signal) => made.call(store, name, signal) }),
  };
}
