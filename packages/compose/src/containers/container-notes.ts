import { constants } from "node:os";
import { describeEvent, type EngineEvent } from "@belay/docker";

const KEPT_EVENTS = 20;
/** So many containers that were removed are remembered. */
const KEPT_GONE = 1_000;

/** What the engine's events told of one container. Times are the engine's, milliseconds since 1970. */
export interface Note {
  /** The last events, oldest first. */
  readonly lines: readonly string[];
  readonly startedAt?: number;
  readonly died?: Death;
  /** The kernel found no memory for it since its last start, at that time. */
  readonly oomAt?: number;
  /** The first signal that somebody had the engine send to it since its last start. */
  readonly killed?: { readonly signal: number; readonly at: number };
  /** Since the container was read last: `start`, `die`, `health_status: healthy`, … */
  readonly since: readonly string[];
  /** It was removed: no more will be told of it. */
  readonly gone?: boolean;
}

export interface Death {
  readonly code: number;
  readonly at: number;
  /** By the event `oom` beside it: the engine forgets its own flag when it starts the container again. */
  readonly oomKilled?: boolean;
}

/** The two events come by different ways (moby: containerd's `oom` and `exit`), in either order. */
const OOM_LAG_MS = 1_000;
/** Exit code of what ended by SIGKILL: by somebody, or by a kernel without memory. */
export const KILLED = 137;

/** Remembers what events tell of containers. */
export class ContainerNotes {
  readonly #notes = new Map<string, Note>();

  take(event: EngineEvent): void {
    const { ID, Attributes } = event.Actor;
    const at = Math.round(event.timeNano / 1e6);
    const before = this.#notes.get(ID) ?? { lines: [], since: [] };
    const code = Number(Attributes?.exitCode);
    const { killed, oomAt, ...rest } = before;
    const oom = event.Action === "oom" ? at : event.Action === "start" ? undefined : oomAt;
    const death = event.Action === "die" && Number.isInteger(code) ? { code, at } : before.died;
    const told = event.Action === "kill" ? { signal: signalNumber(Attributes?.signal ?? ""), at } : undefined;
    const first = event.Action === "start" ? undefined : (killed ?? told);
    this.#notes.set(ID, {
      ...rest,
      lines: [...before.lines, describeEvent(event)].slice(-KEPT_EVENTS),
      since: [...before.since, event.Action].slice(-KEPT_EVENTS),
      ...(event.Action === "start" ? { startedAt: at } : {}),
      ...(death === undefined ? {} : { died: withOom(death, oom) }),
      ...(oom === undefined ? {} : { oomAt: oom }),
      ...(first === undefined ? {} : { killed: first }),
      ...(event.Action === "destroy" ? { gone: true } : {}),
    });
  }

  /** Forgets containers that were removed, the first ones of them, once they are many. `there`: those that are listed. */
  tidy(there: ReadonlySet<string>): void {
    if (this.#notes.size <= there.size + KEPT_GONE) return;
    const gone = [...this.#notes].filter(([id, note]) => note.gone === true && !there.has(id));
    for (const [id] of gone.slice(0, -KEPT_GONE)) this.#notes.delete(id);
  }

  of(id: string): Note {
    return this.#notes.get(id) ?? NOTHING;
  }

  /** The container is read now: what comes later is news. */
  wasRead(id: string): void {
    const note = this.#notes.get(id);
    if (note !== undefined) this.#notes.set(id, { ...note, since: [] });
  }
}

/** A process of it that was killed for memory need not be the one with which it ends: that one ended by SIGKILL, soon after. */
function withOom(death: Death, oomAt: number | undefined): Death {
  const beside = oomAt !== undefined && Math.abs(death.at - oomAt) <= OOM_LAG_MS;
  return death.code === KILLED && beside ? { ...death, oomKilled: true } : death;
}

const NOTHING: Note = { lines: [], since: [] };

/** `SIGTERM`, `TERM` or `15`. */
export function signalNumber(text: string): number {
  const names: Readonly<Record<string, number>> = constants.signals;
  return Number(text) || (names[text] ?? names[`SIG${text}`] ?? constants.signals.SIGTERM);
}
