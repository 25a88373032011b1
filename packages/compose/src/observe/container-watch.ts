import { shareParts } from "@belay/core";
import type { ContainerInspect, ContainerSummary, EngineEvent } from "@belay/docker";
import { type ComposeContainer, containerOf, inspectAll, projectFilter } from "../containers/compose-container.ts";
import { ContainerNotes, KILLED, type Note } from "../containers/container-notes.ts";
import {
  asListed,
  hasEnded,
  hasMoved,
  isSameListed,
  type Listed,
  listedOf,
  slimSummary,
  twinOf,
} from "../containers/listed-container.ts";
import { COMPOSE_LABELS } from "../files/revision.ts";
import { isOneMoment } from "./ended-with-engine.ts";
import { EventTap, type Gap, type TapOptions } from "./event-tap.ts";

/** What `events` is asked for: all that can change an observation. */
export const WATCHED_EVENTS = [
  ...["create", "start", "die", "oom", "kill", "stop", "restart", "pause", "unpause", "rename", "update", "destroy"],
  "health_status",
] as const;

/**
 * How much has to be read anew.
 * `exact`: every container as `inspect` shows it, for a snapshot.
 * `judged`: those that may tell of a failure; of the others the listing says all that has changed.
 * `listed`: those that are not known at all.
 */
export type Precision = "exact" | "judged" | "listed";

/** Events after which the listing says what there is to know. Of an `unhealthy` one the check's output is wanted too. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...["create", "start", "rename", "pause", "unpause", "health_status: healthy", "health_status: starting"],
]);
const LIVE: readonly ContainerSummary["State"][] = ["running", "restarting", "paused"];
/** After this time a container is inspected again although nothing tells of a change, the oldest one at each look. */
const TRUST_MS = 15_000;

interface Entry {
  readonly container: ComposeContainer;
  readonly listed: Listed;
  /** The id of its image as the listing shows it. */
  readonly image: string;
  readonly readAt: number;
  /** The container is as `inspect` showed it, not put together from a twin and listings. */
  readonly exact: boolean;
  /** Something has happened to it that no event has told of yet: whoever judges has to look. */
  readonly doubtful?: boolean;
}

export interface WatchOptions extends Pick<TapOptions, "clock" | "engineNow"> {
  readonly docker: TapOptions["docker"] & Parameters<typeof inspectAll>[0];
  readonly project: string;
  /** Of a container that is ended on purpose: what becomes of it is no news. */
  readonly isLeaving: (id: string) => boolean;
  /** Told when another one has ended. */
  readonly onDeath: (id: string) => void;
}

/**
 * The project's containers at one moment. Each look is one listing. While the engine's events are followed, a container is
 * inspected only when it is new or something happened to it that the listing does not show, so that the number of requests
 * grows neither with how often one looks nor, but for each container that was there before, with their number.
 */
export class ContainerWatch {
  readonly #options: WatchOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #notes = new ContainerNotes();
  #live: ReadonlySet<string> = new Set();
  #lastTold: number | undefined;
  readonly #tap: EventTap;

  constructor(options: WatchOptions) {
    this.#options = options;
    const filters = { type: ["container"], event: [...WATCHED_EVENTS], ...projectFilter(options.project) };
    this.#tap = new EventTap({ ...options, filters, onEvent: (event) => this.note(event) });
  }

  /** From now on, and for some seconds after the last call or follower, what was read is kept. */
  open(): Promise<void> {
    return this.#tap.open();
  }

  close(): void {
    this.#tap.close();
  }

  follow(signal: AbortSignal): AsyncGenerator<void> {
    return this.#tap.follow(signal);
  }

  /** Resolves when something happened to a container of the project, at the latest after so long. */
  async changed(signal: AbortSignal, withinMs: number): Promise<void> {
    await this.#tap.open();
    await this.#tap.next(signal, withinMs);
  }

  note(event: EngineEvent): void {
    this.#notes.take(event);
    const { ID } = event.Actor;
    if (this.#options.isLeaving(ID)) return;
    if (event.Action === "die") this.#options.onDeath(ID);
    if (event.Action === "kill") this.#lastTold = Math.round(event.timeNano / 1e6);
  }

  noteOf(id: string): Note {
    return this.#notes.of(id);
  }

  /** When events may have been missed, since they were followed first. */
  get gaps(): readonly Gap[] {
    return this.#tap.gaps;
  }

  /** When somebody else last told one of the containers to end, by the engine's time. */
  get lastTold(): number | undefined {
    return this.#lastTold;
  }

  /** Whether every container of the project that ran at the last look has been told to end at about this time. */
  allTold(at: number): boolean {
    return [...this.#live].every((id) => isOneMoment(this.#notes.of(id).killed?.at ?? 0, at));
  }

  /** A container as it was read last, and not again. */
  known(id: string): ComposeContainer | undefined {
    return this.#entries.get(id)?.container;
  }

  /** Its start failed. The engine tells that by no event, and lists it as if nothing had been tried. */
  failedToStart(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#entries.set(id, { ...entry, doubtful: true });
  }

  /** The names of a container in a network were just changed. */
  renamed(id: string, network: string, aliases: readonly string[]): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const { inspect } = entry.container;
    const { Networks } = inspect.NetworkSettings;
    const networks = { ...Networks, [network]: { ...Networks[network], Aliases: aliases } };
    const container = { ...entry.container, inspect: { ...inspect, NetworkSettings: { Networks: networks } } };
    const listed = { ...entry.listed, places: { ...entry.listed.places, [network]: "" } };
    this.#entries.set(id, { ...entry, container, listed, exact: false });
  }

  /** All containers of the project, or of some services (of the files), in the order in which they were made. */
  async read(
    services: ReadonlySet<string> | undefined,
    precision: Precision,
    signal?: AbortSignal,
  ): Promise<ComposeContainer[]> {
    const { docker, project } = this.#options;
    const bounds = signal === undefined ? {} : { signal };
    const all = await docker.containers.list({ filters: projectFilter(project), keep: slimSummary }, bounds);
    const wanted = all.filter((one) => services?.has(one.Labels[COMPOSE_LABELS.service] ?? "") ?? true);
    const there = new Set(all.map(({ Id }) => Id));
    this.#live = new Set(all.filter(({ State }) => LIVE.includes(State)).map(({ Id }) => Id));
    for (const id of this.#entries.keys()) if (!there.has(id)) this.#entries.delete(id);
    this.#notes.tidy(there);
    const stale = this.#staleOnes(wanted, precision);
    const unknown = await this.#inspect(
      wanted.filter(({ Id }) => stale.has(Id)),
      precision,
      signal,
    );
    await this.#inspect(unknown, "exact", signal);
    for (const summary of wanted) if (!stale.has(summary.Id)) this.#update(summary);
    const found = wanted.flatMap(({ Id }) => this.#entries.get(Id)?.container ?? []);
    return found.sort((a, b) => a.createdAt - b.createdAt || Number(a.number) - Number(b.number));
  }

  /** These, as `inspect` shows them now. Those that are gone are left out. */
  readExactly(ids: readonly string[], signal?: AbortSignal): Promise<ComposeContainer[]> {
    return inspectAll(this.#options.docker, ids, signal);
  }

  #staleOnes(wanted: readonly ContainerSummary[], precision: Precision): ReadonlySet<string> {
    const isStale = (one: ContainerSummary): boolean => this.#isStale(one, precision);
    const isTold = (one: ContainerSummary): boolean => precision === "judged" && this.#tellEnd(one);
    const stale = new Set(wanted.filter((one) => isStale(one) && !isTold(one)).map(({ Id }) => Id));
    if (precision === "judged" && stale.size === 0) {
      const until = this.#options.clock.now() - TRUST_MS;
      const [first, ...more] = wanted.filter((one) => this.#readAt(one) <= until);
      const oldest = first && more.reduce((a, b) => (this.#readAt(b) < this.#readAt(a) ? b : a), first);
      if (oldest !== undefined) stale.add(oldest.Id);
    }
    return stale;
  }

  /**
   * Takes the events' word for one that has ended and is to be started again: an engine that does so answers an inspection only
   * when it has, which takes from a moment to seconds. Only whether it was killed for lack of memory may be shown later.
   */
  #tellEnd(summary: ContainerSummary): boolean {
    const entry = this.#entries.get(summary.Id);
    const note = this.#notes.of(summary.Id);
    const { openedAt } = this.#tap;
    if (entry === undefined || openedAt === undefined || entry.readAt < openedAt) return false;
    const { State } = entry.container.inspect;
    // An inspection has told of this end already. It gives it another time than the event, and counts it.
    if (!hasEnded(note, State) || (entry.exact && State.Restarting)) return false;
    // What somebody ended stays down; and what lacked memory the engine knows best.
    if (note.killed !== undefined || note.oomAt !== undefined) return false;
    const container = asListed(entry.container, summary, note);
    const { Restarting, ExitCode } = container.inspect.State;
    if (!Restarting || ExitCode === KILLED) return false;
    this.#entries.set(summary.Id, { ...entry, ...factsOf(summary), container, exact: false });
    return true;
  }

  #readAt({ Id }: ContainerSummary): number {
    return this.#entries.get(Id)?.readAt ?? 0;
  }

  #isStale(summary: ContainerSummary, precision: Precision): boolean {
    const entry = this.#entries.get(summary.Id);
    const { openedAt } = this.#tap;
    if (entry === undefined || openedAt === undefined || entry.readAt < openedAt) return true;
    const note = this.#notes.of(summary.Id);
    const now = listedOf(summary);
    if (hasMoved(entry.listed, now, note)) return true;
    if (precision === "listed") return false;
    const same = isSameListed(now, entry.listed);
    if (precision === "exact") return !entry.exact || !same || note.since.length > 0;
    if (this.#options.isLeaving(summary.Id)) return false;
    return entry.doubtful === true || !isHarmless(note) || (!same && !isExplained(entry.listed, now, note));
  }

  /** @returns those that are to be inspected after all, because the twin that was to show them is gone. */
  async #inspect(
    stale: readonly ContainerSummary[],
    precision: Precision,
    signal: AbortSignal | undefined,
  ): Promise<ContainerSummary[]> {
    const sampled = precision === "exact" ? stale : this.#samples(stale);
    // Before asking: an event that comes while the answer is under way makes it stale again.
    for (const { Id } of sampled) this.#notes.wasRead(Id);
    const readAt = this.#options.clock.now();
    const keep = this.#keeping(sampled);
    for (const { Id } of sampled) this.#entries.delete(Id);
    const listed = new Map(sampled.map((one) => [one.Id, one]));
    const read = await inspectAll(this.#options.docker, [...listed.keys()], signal, keep);
    for (const container of read) {
      const summary = listed.get(container.id);
      if (summary === undefined) continue;
      this.#entries.set(container.id, { container, ...factsOf(summary), readAt, exact: true });
    }
    return stale.filter((one) => !listed.has(one.Id) && !this.#takeTwin(one, readAt));
  }

  /**
   * What is kept of each when it is read: the parts that it has in common with how it was before, or with another one of its
   * service and image, are in memory once.
   */
  #keeping(sampled: readonly ContainerSummary[]): (inspect: ContainerInspect) => ComposeContainer {
    if (sampled.length === 0) return containerOf;
    const before = new Map(sampled.map(({ Id }) => [Id, this.#entries.get(Id)?.container]));
    const kin = new Map<string, ContainerInspect>();
    for (const { container } of this.#entries.values()) kin.set(kinOf(container.inspect), container.inspect);
    // Much of it is the engine's defaults, which are any other one's as well.
    let [other] = kin.values();
    return (inspect) => {
      const known = before.get(inspect.Id);
      other ??= inspect;
      const shared = shareParts(shareParts(inspect, kin.get(kinOf(inspect)) ?? other), known?.inspect);
      kin.set(kinOf(shared), shared);
      return known?.inspect === shared ? known : containerOf(shared);
    };
  }

  /** All of them but those whose twin is known or among the rest. */
  #samples(stale: readonly ContainerSummary[]): ContainerSummary[] {
    const seen = new Set<string>();
    return stale.filter((one) => {
      if (this.#entries.has(one.Id) || one.State !== "created") return true;
      const key = JSON.stringify([one.ImageID, { ...one.Labels, [COMPOSE_LABELS.number]: "" }]);
      if (seen.has(key) || this.#twin(one) !== undefined) return false;
      seen.add(key);
      return true;
    });
  }

  #twin(summary: ContainerSummary): ComposeContainer | undefined {
    const { openedAt } = this.#tap;
    if (openedAt === undefined) return undefined;
    for (const { container, image, readAt, exact } of this.#entries.values()) {
      const twin = exact && readAt >= openedAt ? twinOf(container, image, summary) : undefined;
      if (twin !== undefined) return twin;
    }
    return undefined;
  }

  #takeTwin(summary: ContainerSummary, readAt: number): boolean {
    const container = this.#twin(summary);
    if (container === undefined) return false;
    this.#entries.set(summary.Id, { container, ...factsOf(summary), readAt, exact: false });
    return true;
  }

  #update(summary: ContainerSummary): void {
    const entry = this.#entries.get(summary.Id);
    const facts = factsOf(summary);
    if (entry === undefined || isSameListed(entry.listed, facts.listed)) return;
    const note = this.#notes.of(summary.Id);
    const container = asListed(entry.container, summary, note);
    const doubtful = entry.doubtful === true || !isExplained(entry.listed, facts.listed, note);
    if (isHarmless(note)) this.#notes.wasRead(summary.Id);
    this.#entries.set(summary.Id, { ...entry, ...facts, container, doubtful, exact: false });
  }
}

function kinOf({ Image, Config: { Labels } }: ContainerInspect): string {
  return `${Image} ${Labels?.[COMPOSE_LABELS.service]}`;
}

function factsOf(summary: ContainerSummary): Pick<Entry, "listed" | "image"> {
  return { listed: listedOf(summary), image: summary.ImageID };
}

function isHarmless({ since }: Note): boolean {
  return since.every((action) => HARMLESS.has(action));
}

/** Whether the change from one listing to the next is what the events since have told. */
function isExplained(before: Listed, now: Listed, { since }: Note): boolean {
  if (now.health === "unhealthy" && before.health !== "unhealthy") return false;
  if (now.status === before.status) return true;
  if (now.status === "running") return since.includes("start") || since.includes("unpause");
  return now.status === "paused" && since.includes("pause");
}
