import type { Clock } from "@belay/core";
import { type Docker, describeEvent, type EngineEvent } from "@belay/docker";

/** What `events` is asked for: all that can change an observation. Health checks' own events (`exec_…`) are left out. */
export const WATCHED_EVENTS = [
  ...["create", "start", "die", "oom", "kill", "health_status"],
  // Of services and nodes.
  ...["update", "remove"],
] as const;

/**
 * The manager learns of a container's change from its node a moment after the event (its agents report in batches), and no
 * event tells when it has: so one looks again after these times, in milliseconds.
 */
const ECHOES_MS = [120, 300, 700, 1_500] as const;
/** Tasks on other nodes change without an event here. */
const REMOTE_MS = 500;
const KEPT_EVENTS = 20;

/** What the engine's own events tell of a task's container before the manager shows it. Only for this node. */
export interface LocalTask {
  readonly exitCode?: number;
  readonly oom?: boolean;
  /** Told to end: what comes after is no crash. */
  readonly killed?: boolean;
  readonly health?: "healthy" | "unhealthy";
}

/** Follows the events of the manager that is talked to: services, nodes, and the containers on it. */
export class TaskWatch {
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #local = new Map<string, LocalTask>();
  readonly #events = new Map<string, string[]>();
  /** Whether tasks on other nodes are on their way somewhere. */
  remoteFlux = false;

  constructor(docker: Docker, clock: Clock) {
    this.#docker = docker;
    this.#clock = clock;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<void> {
    const filters = { type: ["container", "service", "node"], event: [...WATCHED_EVENTS] };
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    const echo = new Echo(this.#clock, both, () => this.remoteFlux);
    const reading = (async () => {
      for await (const event of this.#docker.events({ filters, signal: both })) {
        this.note(event);
        echo.ring();
      }
    })();
    // Its error is thrown by the last line.
    reading.then(
      () => over.abort(),
      () => over.abort(),
    );
    try {
      while (await echo.next()) yield;
    } finally {
      over.abort();
    }
    await reading;
  }

  note(event: EngineEvent): void {
    const attributes = event.Actor.Attributes ?? {};
    const task = attributes["com.docker.swarm.task.id"];
    if (event.Type !== "container" || task === undefined) return;
    const before = this.#local.get(task) ?? {};
    // A container that has ended is killed once more when it is cleared away.
    if (event.Action !== "kill" || before.exitCode === undefined)
      this.#local.set(task, { ...before, ...factsOf(event) });
    const lines = this.#events.get(task) ?? [];
    lines.push(describeEvent(event));
    this.#events.set(task, lines.slice(-KEPT_EVENTS));
  }

  /** What is known of a task on this node; empty for all others. */
  local(task: string): LocalTask {
    return this.#local.get(task) ?? {};
  }

  /** The last events of a task's container, oldest first. */
  eventsOf(task: string): readonly string[] {
    return this.#events.get(task) ?? [];
  }
}

function factsOf({ Action, Actor }: EngineEvent): LocalTask {
  if (Action === "oom") return { oom: true };
  if (Action === "kill") return { killed: true };
  if (Action === "health_status: unhealthy") return { health: "unhealthy" };
  if (Action === "health_status: healthy") return { health: "healthy" };
  const code = Number(Actor.Attributes?.exitCode);
  return Action === "die" && Number.isInteger(code) ? { exitCode: code } : {};
}

/** Says when to look: at each event, some times after it, and regularly while other nodes are at work. */
class Echo {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #remote: () => boolean;
  #rungAt = 0;
  /** How many echoes of the last event have been told. */
  #told: number = ECHOES_MS.length;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, signal: AbortSignal, remote: () => boolean) {
    this.#clock = clock;
    this.#signal = signal;
    this.#remote = remote;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves when it is time to look; false when the signal has aborted. */
  async next(): Promise<boolean> {
    while (!this.#signal.aborted) {
      if (this.#rung) {
        this.#rung = false;
        this.#rungAt = this.#clock.now();
        this.#told = 0;
        return true;
      }
      const due = this.#rungAt + (ECHOES_MS[this.#told] ?? Number.POSITIVE_INFINITY);
      const wait = Math.min(due - this.#clock.now(), REMOTE_MS);
      if (wait <= 0) {
        this.#told += 1;
        return true;
      }
      await this.#sleep(wait);
      if (!this.#rung && due > this.#clock.now() && this.#remote() && !this.#signal.aborted) return true;
    }
    return false;
  }

  async #sleep(milliseconds: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await this.#clock.sleep(milliseconds, AbortSignal.any([this.#signal, woken.signal]));
    } catch (error) {
      if (!this.#signal.aborted && !woken.signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
    }
  }
}
