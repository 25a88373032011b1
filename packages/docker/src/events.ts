import { isBelayError } from "@belay/core";
import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { EngineEvent, Filters } from "./engine-types.ts";
import { jsonLines } from "./json-lines.ts";

export interface EventQuery {
  readonly filters?: Filters;
  /**
   * Engine's time from which on events are wanted: seconds since 1970, with a fraction. The engine repeats up to its
   * last 256 events, so that nothing is missed between a look at the state and the begin of the stream.
   */
  readonly since?: number;
  /** Ends the iteration, without an error. */
  readonly signal: AbortSignal;
  /** Called each time that the engine has begun to send: from then on nothing is missed. */
  readonly onOpened?: () => void;
  /** Called each time that the stream breaks, before it is resumed: what happens until then may be missing. */
  readonly onBroken?: () => void;
  /** For how long a broken stream is tried to be resumed before its error is thrown. Default 60 s. */
  readonly giveUpAfterMs?: number;
}

const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 2_000;
const GIVE_UP_AFTER_MS = 60_000;
/** More than the 256 events that an engine repeats. */
const REMEMBERED = 1_024;

/**
 * The engine's events until the signal aborts. A broken stream is resumed from the last event on; an event that comes
 * twice because of that is left out. What an engine did before it was restarted is lost: it keeps events in memory only.
 */
export async function* engineEvents(http: EngineHttp, query: EventQuery): AsyncGenerator<EngineEvent> {
  const place = new Place(query.since);
  const patience = new Patience(http, query);
  do {
    try {
      const began = http.clock.now();
      for await (const event of oneStream(http, query, place)) {
        patience.renew();
        yield event;
      }
      if (!query.signal.aborted) query.onBroken?.();
      if (http.clock.now() - began > LAST_WAIT_MS) patience.renew();
    } catch (error) {
      if (query.signal.aborted) return;
      query.onBroken?.();
      if (patience.isOver() || !isBelayError(error, "ENGINE_UNREACHABLE", "TIMED_OUT")) throw error;
    }
  } while (await patience.wait());
}

/** How long and how often a broken stream is opened again. */
class Patience {
  readonly #http: EngineHttp;
  readonly #query: EventQuery;
  #brokenAt: number | undefined;
  #waitMs = FIRST_WAIT_MS;

  constructor(http: EngineHttp, query: EventQuery) {
    this.#http = http;
    this.#query = query;
  }

  renew(): void {
    this.#brokenAt = undefined;
    this.#waitMs = FIRST_WAIT_MS;
  }

  isOver(): boolean {
    const now = this.#http.clock.now();
    this.#brokenAt ??= now;
    return now - this.#brokenAt >= (this.#query.giveUpAfterMs ?? GIVE_UP_AFTER_MS);
  }

  /** Waits a little longer each time; false when the signal came first. */
  async wait(): Promise<boolean> {
    const { signal } = this.#query;
    if (signal.aborted) return false;
    const jittered = this.#waitMs * (0.75 + Math.random() / 2);
    this.#waitMs = Math.min(this.#waitMs * 2, LAST_WAIT_MS);
    try {
      await this.#http.clock.sleep(jittered, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}

async function* oneStream(http: EngineHttp, query: EventQuery, place: Place): AsyncGenerator<EngineEvent> {
  const doing = "following the engine's events";
  const { response, socket } = await http.open({
    doing,
    path: "/events",
    query: { filters: query.filters, since: place.since },
    signal: query.signal,
  });
  place.opened(response.headers.date);
  query.onOpened?.();
  try {
    for await (const value of jsonLines(response)) {
      const event = value as EngineEvent;
      if (place.isNew(event)) yield event;
    }
  } catch (error) {
    if (query.signal.aborted) return;
    throw await http.explain(error, doing, socket);
  } finally {
    response.destroy();
  }
}

/** So long an engine whose clock was set back may keep an answer open that ought to have ended. */
const PAST_MS = 300;

/**
 * What the engine remembers: its last 256 events, those of health checks among them, up to a moment of its own clock
 * (seconds since 1970). What a run of the engine before this one did is not in it.
 */
export async function pastEvents(http: EngineHttp, until: number, options: CallOptions = {}): Promise<EngineEvent[]> {
  const doing = "asking for the engine's last events";
  const query = { since: "1", until: until.toFixed(9) };
  const over = new AbortController();
  const signal = options.signal === undefined ? over.signal : AbortSignal.any([options.signal, over.signal]);
  const { response, socket } = await http.open({ doing, path: "/events", query, lane: "slow", ...options, signal });
  const found: EngineEvent[] = [];
  const done = new AbortController();
  const patience = http.clock.sleep(PAST_MS, done.signal).then(
    () => over.abort(),
    () => undefined,
  );
  try {
    for await (const value of jsonLines(response)) found.push(value as EngineEvent);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!over.signal.aborted) throw await http.explain(error, doing, socket);
  } finally {
    done.abort();
    await patience;
    response.destroy();
  }
  return found;
}

/** Where in the engine's history the stream stands. */
class Place {
  #since: number | undefined;
  readonly #seen = new Set<string>();

  constructor(since: number | undefined) {
    this.#since = since;
  }

  get since(): string | undefined {
    return this.#since?.toFixed(9);
  }

  /** Without a better one, the time at which the engine opened the first stream is where the next one begins. */
  opened(date: string | undefined): void {
    const seconds = Date.parse(date ?? "") / 1_000;
    if (this.#since === undefined && !Number.isNaN(seconds)) this.#since = seconds;
  }

  /**
   * False for an event that was seen before. Events of one instant may come in any order, so the next stream begins a
   * second before the last one seen, and what it repeats is told by its text (which has its nanosecond).
   */
  isNew(event: EngineEvent): boolean {
    const text = JSON.stringify(event);
    if (this.#seen.has(text)) return false;
    this.#seen.add(text);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= REMEMBERED) break;
      this.#seen.delete(oldest);
    }
    this.#since = Math.max(this.#since ?? 0, event.time - 1);
    return true;
  }
}
