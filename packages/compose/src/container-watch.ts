import type { Clock } from "@belay/core";
import { type ContainerStatus, type Docker, describeEvent, type EngineEvent } from "@belay/docker";
import { type ComposeContainer, inspectAll, projectFilter } from "./compose-container.ts";

/** What `events` is asked for: all that can change an observation. */
export const WATCHED_EVENTS = [
  ...["create", "start", "die", "oom", "kill", "stop", "restart", "pause", "unpause", "rename", "destroy"],
  "health_status",
] as const;

/** After this time a container is inspected again although no event told of it. */
const TRUST_MS = 15_000;
const KEPT_EVENTS = 20;

interface Entry {
  readonly container: ComposeContainer;
  readonly listed: ContainerStatus;
  readonly readAt: number;
}

/**
 * The project's containers at one moment. While events are followed, only containers that an event named are inspected
 * again, so that the number of requests does not grow with how often one looks. One listing is always made.
 */
export class ContainerWatch {
  readonly #docker: Docker;
  readonly #project: string;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<string>();
  readonly #events = new Map<string, string[]>();
  readonly #exits = new Map<string, { readonly code: number; readonly at: number }>();
  /** Number of event streams that are being followed. */
  #followers = 0;

  constructor(docker: Docker, project: string, clock: Clock) {
    this.#docker = docker;
    this.#project = project;
    this.#clock = clock;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<void> {
    const filters = { type: ["container"], event: [...WATCHED_EVENTS], ...projectFilter(this.#project) };
    this.#followers++;
    try {
      for await (const event of this.#docker.events({ filters, signal })) {
        this.note(event);
        yield;
      }
    } finally {
      this.#followers--;
    }
  }

  note(event: EngineEvent): void {
    const { ID, Attributes } = event.Actor;
    this.#dirty.add(ID);
    const lines = this.#events.get(ID) ?? [];
    lines.push(describeEvent(event));
    this.#events.set(ID, lines.slice(-KEPT_EVENTS));
    const code = Number(Attributes?.exitCode);
    if (event.Action === "die" && Number.isInteger(code)) {
      this.#exits.set(ID, { code, at: Math.round(event.timeNano / 1e6) });
    }
  }

  async read(services: ReadonlySet<string>, signal: AbortSignal): Promise<ComposeContainer[]> {
    const listed = await this.#docker.containers.list({ filters: projectFilter(this.#project) }, { signal });
    const wanted = listed.filter((one) => services.has(one.Labels["com.docker.compose.service"] ?? ""));
    const states = new Map(wanted.map((one) => [one.Id, one.State]));
    const stale = wanted.filter((one) => !this.#isFresh(one.Id, one.State)).map((one) => one.Id);
    // Before asking: an event that comes while the answer is under way makes it stale again.
    for (const id of stale) this.#dirty.delete(id);
    const readAt = this.#clock.now();
    for (const id of stale) this.#entries.delete(id);
    for (const container of await inspectAll(this.#docker, stale, signal)) {
      const state = states.get(container.id) ?? container.inspect.State.Status;
      this.#entries.set(container.id, { container, listed: state, readAt });
    }
    for (const id of this.#entries.keys()) if (!states.has(id)) this.#entries.delete(id);
    const all = wanted.flatMap((one) => this.#entries.get(one.Id)?.container ?? []);
    return all.sort((a, b) => a.createdAt - b.createdAt || Number(a.number) - Number(b.number));
  }

  /** The last events of a container, oldest first. */
  eventsOf(id: string): readonly string[] {
    return this.#events.get(id) ?? [];
  }

  get exits(): ReadonlyMap<string, { readonly code: number; readonly at: number }> {
    return this.#exits;
  }

  #isFresh(id: string, state: ContainerStatus): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || this.#followers === 0 || this.#dirty.has(id)) return false;
    return entry.listed === state && this.#clock.now() - entry.readAt < TRUST_MS;
  }
}
