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
/** States of an update in which the engine only does as it was told. */
const USUAL = ["updating", "completed"];

/** What a container tells of coming up. Only one with a health check tells the second. */
const UP = ["start", "health_status: healthy"];

/** What the engine's own events tell of a task's container before the manager shows it. Only for this node. */
export interface LocalTask {
  /** The container's id. */
  readonly container?: string;
  readonly exitCode?: number;
  readonly oom?: boolean;
  /** Told to end: what comes after is no crash. */
  readonly killed?: boolean;
  /**
   * It started after its end, as no container of a swarm does. A refused task of the same service was cleared away with the
   * network in the middle of its start, which was done again; and the engine took the end of the first start for that of the
   * second, whose networks and files it took away (moby, `daemon/monitor.go`, events of exit and start; seen on API 1.52). The
   * swarm replaces it.
   */
  readonly revived?: boolean;
  readonly health?: "healthy" | "unhealthy";
}

/** What a service still lacked when it was looked at last, and which of its tasks are no longer waited for. */
export interface Lack {
  /** Tasks of the wanted revision that are not ready yet. */
  readonly ready: number;
  /** Tasks of others that have to go. */
  readonly gone: number;
  /** Ids of its tasks that are still to become ready or to go, as far as they exist. */
  readonly open: ReadonlySet<string>;
  /** Ids of those that are as they should be, and should stay so. */
  readonly right: ReadonlySet<string>;
}

/** Follows the events of the manager that is talked to: services, nodes, and the containers on it. */
export class TaskWatch {
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #local = new Map<string, LocalTask>();
  readonly #events = new Map<string, string[]>();
  /** Service's id → task → what its container told of coming up, or of going. Only what the manager did not show yet. */
  readonly #up = new Map<string, Map<string, string>>();
  readonly #down = new Map<string, Map<string, string>>();
  /** Tasks whose containers started on this way. */
  readonly #started = new Set<string>();
  /** Ids of services whose containers that started on this way tell of their health: that one of them started decides nothing. */
  readonly #checked = new Set<string>();
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

  /**
   * A new way begins. What is to come up now may have no health check, whatever came before it had; and that still tells of
   * its own, as the other tasks of an unhealthy release do while it is taken off.
   */
  beginWay(): void {
    this.#started.clear();
    this.#checked.clear();
  }

  /** What a look showed: what services lack, by their ids, which tasks exist, and what is under way. */
  looked(lacks: ReadonlyMap<string, Lack>, tasks: { has(id: string): boolean }, flux: Flux): void {
    this.#lacks = lacks;
    this.#flux = flux;
    for (const events of [this.#up, this.#down]) {
      for (const [service, told] of events) {
        for (const id of told.keys()) if (tasks.has(id) && !lacks.get(service)?.open.has(id)) told.delete(id);
      }
    }
  }

  /**
   * Remembers what an event tells. Whether it may decide: a container that ended by itself or is ill, one that goes although
   * it should stay, a service that somebody changed, the last thing that was lacking, or the last task that had to come up.
   * All others only tell that the engine does as it was told.
   */
  note(event: EngineEvent): boolean {
    const attributes = event.Actor.Attributes ?? {};
    if (event.Type !== "container") return !USUAL.includes(attributes["updatestate.new"] ?? "");
    const task = attributes["com.docker.swarm.task.id"];
    if (task === undefined) return false;
    const told = this.#local.get(task)?.killed === true;
    this.#remember(task, event);
    const service = attributes["com.docker.swarm.service.id"] ?? "";
    const failed = ["die", "oom", "health_status: unhealthy"].includes(event.Action) && !told;
    const lost = ["die", "kill"].includes(event.Action) && this.#lacks.get(service)?.right.has(task) === true;
    if (event.Action === "start") this.#started.add(task);
    if (event.Action.startsWith("health_status") && this.#started.has(task)) this.#checked.add(service);
    const isNews = this.#isNews(service, task, event.Action);
    return (isNews && (this.#mayBeAll() || this.#areAllUp(service, event.Action))) || failed || lost;
  }

  /** Whether more is known of what a task does than before: that it comes up, or goes. */
  #isNews(service: string, task: string, action: string): boolean {
    const isUp = UP.includes(action);
    if (!isUp && action !== "kill" && action !== "die") return false;
    const events = isUp ? this.#up : this.#down;
    const tasks = events.get(service) ?? new Map<string, string>();
    const known = isUp ? tasks.get(task) === action : tasks.has(task);
    events.set(service, tasks.set(task, action));
    return !known;
  }

  /** Whether as many tasks came and went as were lacking, of all services. */
  #mayBeAll(): boolean {
    const lacks = [...this.#lacks];
    const some = lacks.some(([, { ready, gone }]) => ready > 0 || gone > 0);
    const told = (events: ReadonlyMap<string, ReadonlyMap<string, string>>, id: string) => events.get(id)?.size ?? 0;
    return some && lacks.every(([id, { ready, gone }]) => told(this.#up, id) >= ready && told(this.#down, id) >= gone);
  }

  /**
   * Whether that was the last task of all that were lacking that came so far. With start-first the manager gives the old ones up
   * as soon as it learns of it; their nodes are told only then, and tell of it still later.
   */
  #areAllUp(service: string, action: string): boolean {
    const isLacking = (this.#lacks.get(service)?.ready ?? 0) > 0;
    if (!UP.includes(action) || !isLacking || (action === "start" && this.#checked.has(service))) return false;
    return [...this.#lacks].every(([id, { ready }]) => {
      const told = [...(this.#up.get(id)?.values() ?? [])];
      return told.filter((one) => id !== service || action === "start" || one === action).length >= ready;
    });
  }

  #remember(task: string, event: EngineEvent): void {
    const before = this.#local.get(task) ?? {};
    // A container that has ended is killed once more when it is cleared away.
    if (event.Action !== "kill" || before.exitCode === undefined) {
      const revived = event.Action === "start" && before.exitCode !== undefined;
      this.#local.set(task, { ...before, container: event.Actor.ID, ...factsOf(event), ...(revived && { revived }) });
    }
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
