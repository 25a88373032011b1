import type { Clock } from "@belay/core";
import { type Docker, describeEvent, type EngineEvent } from "@belay/docker";
import { type Flux, LookTimes, STILL } from "./look-times.ts";

/** What `events` is asked for: all that can change an observation. Health checks' own events (`exec_…`) are left out. */
export const WATCHED_EVENTS = [
  ...["create", "start", "die", "oom", "kill", "health_status"],
  // Of services and nodes.
  ...["update", "remove"],
] as const;

const KEPT_EVENTS = 20;
/** So long before a look an event may not have reached the manager yet, and counts as if it came after it. Milliseconds. */
const LAG_MS = 2_000;
/** States of an update in which the engine only does as it was told. */
const USUAL = ["updating", "completed"];

/** What the engine's own events tell of a task's container before the manager shows it. Only for this node. */
export interface LocalTask {
  /** The container's id. */
  readonly container?: string;
  readonly exitCode?: number;
  readonly oom?: boolean;
  /** Told to end: what comes after is no crash. */
  readonly killed?: boolean;
  readonly health?: "healthy" | "unhealthy";
}

/** What a service still lacked when it was looked at last. */
export interface Lack {
  /** Tasks of the wanted revision that are not ready yet. */
  readonly ready: number;
  /** Tasks of others that have to go. */
  readonly gone: number;
}

/** Follows the events of the manager that is talked to: services, nodes, and the containers on it. */
export class TaskWatch {
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #local = new Map<string, LocalTask>();
  readonly #events = new Map<string, string[]>();
  /** Service's id → task → when its container came up, or was told to go. Only what the last look may not have shown. */
  readonly #up = new Map<string, Map<string, number>>();
  readonly #down = new Map<string, Map<string, number>>();
  #lacks: ReadonlyMap<string, Lack> = new Map();
  #flux = STILL;
  /** The stream of events was broken once: what happened then is not known. */
  wasBroken = false;

  constructor(docker: Docker, clock: Clock) {
    this.#docker = docker;
    this.#clock = clock;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<void> {
    const filters = { type: ["container", "service", "node"], event: [...WATCHED_EVENTS] };
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    const times = new LookTimes(this.#clock, both, () => this.#flux);
    const reading = (async () => {
      const onBroken = (): void => {
        this.wasBroken = true;
      };
      for await (const event of this.#docker.events({ filters, signal: both, onBroken })) {
        if (this.note(event)) times.ring();
      }
    })();
    // Its error is thrown by the last line.
    reading.then(
      () => over.abort(),
      () => over.abort(),
    );
    try {
      while (await times.next()) yield;
    } finally {
      over.abort();
    }
    await reading;
  }

  /** What a look showed that began at `beganAt`: what services lack, by their ids, and what is under way. */
  looked(beganAt: number, lacks: ReadonlyMap<string, Lack>, flux: Flux): void {
    this.#lacks = lacks;
    this.#flux = flux;
    for (const tasks of [...this.#up.values(), ...this.#down.values()]) {
      for (const [task, at] of tasks) if (at < beganAt - LAG_MS) tasks.delete(task);
    }
  }

  /**
   * Remembers what an event tells. Whether it may decide: a container that ended by itself or is ill, a service that
   * somebody changed, or the last thing that was lacking. All others only tell that the engine does as it was told.
   */
  note(event: EngineEvent): boolean {
    const attributes = event.Actor.Attributes ?? {};
    if (event.Type !== "container") return !USUAL.includes(attributes["updatestate.new"] ?? "");
    const task = attributes["com.docker.swarm.task.id"];
    if (task === undefined) return false;
    const told = this.#local.get(task)?.killed === true;
    this.#remember(task, event);
    const service = attributes["com.docker.swarm.service.id"] ?? "";
    if (event.Action === "start" || event.Action === "health_status: healthy") this.#count(this.#up, service, task);
    if (event.Action === "kill" || event.Action === "die") this.#count(this.#down, service, task);
    const failed = ["die", "oom", "health_status: unhealthy"].includes(event.Action) && !told;
    return failed || (event.Action !== "create" && this.#mayBeAll());
  }

  #count(events: Map<string, Map<string, number>>, service: string, task: string): void {
    const tasks = events.get(service) ?? new Map<string, number>();
    events.set(service, tasks.set(task, this.#clock.now()));
  }

  /** Whether as many tasks came and went as were lacking, of all services. */
  #mayBeAll(): boolean {
    const lacks = [...this.#lacks];
    const some = lacks.some(([, { ready, gone }]) => ready > 0 || gone > 0);
    const enough = (events: Map<string, Map<string, number>>, id: string): number => events.get(id)?.size ?? 0;
    return (
      some && lacks.every(([id, lack]) => enough(this.#up, id) >= lack.ready && enough(this.#down, id) >= lack.gone)
    );
  }

  #remember(task: string, event: EngineEvent): void {
    const before = this.#local.get(task) ?? {};
    // A container that has ended is killed once more when it is cleared away.
    if (event.Action !== "kill" || before.exitCode === undefined)
      this.#local.set(task, { ...before, container: event.Actor.ID, ...factsOf(event) });
    const lines = this.#events.get(task) ?? [];
    lines.push(describeEvent(event));
    this.#events.set(task, lines.slice(-KEPT_EVENTS));
  }

  /** What is known of a task on this node; empty for all others. */
  local(task: string): LocalTask {
    return this.#local.get(task) ?? NOTHING;
  }

  /** The last events of a task's container, oldest first. */
  eventsOf(task: string): readonly string[] {
    return this.#events.get(task) ?? [];
  }
}

const NOTHING: LocalTask = {};

function factsOf({ Action, Actor }: EngineEvent): LocalTask {
  if (Action === "oom") return { oom: true };
  if (Action === "kill") return { killed: true };
  if (Action === "health_status: unhealthy") return { health: "unhealthy" };
  if (Action === "health_status: healthy") return { health: "healthy" };
  const code = Number(Actor.Attributes?.exitCode);
  return Action === "die" && Number.isInteger(code) ? { exitCode: code } : {};
}
