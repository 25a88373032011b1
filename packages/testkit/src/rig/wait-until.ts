import { setTimeout as delay } from "node:timers/promises";

/**
 * Asks until the answer is true. Throws after `withinMs` with what did not become true and what the last error was, or
 * the signal's reason as soon as there can be no answer any more.
 * It is for real things (a server that starts): tests of our own code have a fake clock.
 */
export async function waitUntil(
  what: string,
  ask: () => Promise<boolean> | boolean,
  options: { readonly withinMs: number; readonly everyMs?: number; readonly signal?: AbortSignal },
): Promise<void> {
  const until = performance.now() + options.withinMs;
  let last: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      if (await ask()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= until) throw new Error(`${what}: not within ${options.withinMs} ms`, { cause: last });
    await delay(options.everyMs ?? 20);
  }
}
