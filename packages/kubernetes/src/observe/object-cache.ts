import { type Clock, isBelayError, type Log, messageOf } from "@belay/core";
import { isStatus } from "../api/api-error.ts";
import type { KubernetesApi, ResourceList, WatchEvent } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { keptOf, kinOf } from "./kept-object.ts";

export interface CacheOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after each change of the cache. */
  readonly onChange: () => void;
}

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2_000;
const REMEMBERED = 4_096;
/** What was listed so recently is where a watch goes on: it tells at once what came after. */
const FRESH_MS = 5_000;

/**
 * All objects of one kind in the namespace, kept up to date by one watch. A watch that the server ends goes on from the last
 * resourceVersion; one that broke may have missed more than a moment, and one whose version is too old (410) can't go on:
 * then everything is listed anew, so that what is here is never older than what a look has a right to.
 */
export class ObjectCache {
  readonly #options: CacheOptions;
  readonly #apiVersion: string;
  readonly #kind: string;
  readonly #objects = new Map<string, KubernetesObject>();
  /** All of them as a list: the same one until one of them changes, so that what was found in it need not be sought again. */
  #list: readonly KubernetesObject[] | undefined;
  /** One object of each kin ({@link kinOf}): what the others have in common with. */
  readonly #kin = new Map<string, KubernetesObject>();
  /** The newest versions of all objects, each by its uid. */
  readonly #seen = new Set<string>();
  #version: string | undefined;
  /** When the last whole listing was asked for. */
  #listedAt = Number.NEGATIVE_INFINITY;
  /** When what is here was last known to be all there is. */
  #freshAt = Number.NEGATIVE_INFINITY;
  /** The watch is open and everything before it is here. */
  #live = false;
  #following = false;

  constructor(options: CacheOptions, apiVersion: string, kind: string) {
    this.#options = options;
    this.#apiVersion = apiVersion;
    this.#kind = kind;
  }

  get kind(): string {
    return this.#kind;
  }

  /** Whether what is here is what the API server has, up to the events that are under way. */
  get isLive(): boolean {
    return this.#live;
  }

  /** Whether a write of ours, answered at `at` with this object, is in what is here: it came back, or all was listed since. */
  hasSeen(object: KubernetesObject, at: number): boolean {
    return this.#seen.has(versionKey(object)) || this.#listedAt >= at;
  }

  objects(): readonly KubernetesObject[] {
    this.#list ??= [...this.#objects.values()];
    return this.#list;
  }

  /** Asks the API server itself. @throws when it does not answer */
  async list(signal: AbortSignal): Promise<readonly KubernetesObject[]> {
    return this.#following ? (await this.#ask(signal)).items : this.#relist(signal);
  }

  #ask(signal: AbortSignal): Promise<ResourceList> {
    return this.#options.api.list(this.#apiVersion, this.#kind, {
      signal,
      keep: (object) => this.#slimmed(object),
    });
  }

  /** Watches until the signal aborts. Never throws: whoever reads while it is not live asks the API server and learns why. */
  async follow(signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    if (this.#options.clock.now() > this.#freshAt + FRESH_MS) this.#version = undefined;
    this.#following = true;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#relist(signal);
        await this.#watch(signal);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        this.#version = undefined;
        if (signal.aborted) break;
        if (!isStatus(error, 410)) this.#complain(error);
        await this.#options.clock.sleep(pauseMs, signal).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
      } finally {
        if (this.#live) this.#freshAt = this.#options.clock.now();
        this.#live = false;
      }
    }
    this.#following = false;
  }

  #complain(error: unknown): void {
    const { log } = this.#options;
    if (isBelayError(error, "ENGINE_UNREACHABLE", "TIMED_OUT")) log.debug(messageOf(error));
    else log.warn(messageOf(error));
  }

  async #relist(signal: AbortSignal): Promise<readonly KubernetesObject[]> {
    const at = this.#options.clock.now();
    this.#kin.clear();
    const { resourceVersion, items } = await this.#ask(signal);
    // Another listing, or a watch, may have been quicker and be newer.
    if (at < this.#listedAt || this.#live) return items;
    this.#listedAt = at;
    this.#freshAt = at;
    this.#list = undefined;
    this.#objects.clear();
    for (const item of items) this.#keep(item);
    this.#version = resourceVersion;
    return items;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const stream = await this.#options.api.watch(this.#apiVersion, this.#kind, this.#version ?? "0", signal);
    this.#live = true;
    this.#options.onChange();
    for await (const event of stream) this.#take(event);
  }

  #take({ type, object }: WatchEvent): void {
    this.#version = object.metadata.resourceVersion ?? this.#version;
    if (type === "BOOKMARK") return;
    this.#list = undefined;
    if (type === "DELETED") this.#objects.delete(keyOf(object));
    else this.#keep(this.#slimmed(object));
    this.#options.onChange();
  }

  #slimmed(object: KubernetesObject): KubernetesObject {
    const kin = kinOf(object);
    const kept = keptOf(object, this.#objects.get(keyOf(object)), this.#kin.get(kin));
    this.#kin.set(kin, kept);
    return kept;
  }

  #keep(object: KubernetesObject): void {
    this.#objects.set(keyOf(object), object);
    this.#seen.add(versionKey(object));
    // A set keeps the order of insertion.
    for (const oldest of this.#seen) {
      if (this.#seen.size <= REMEMBERED) break;
      this.#seen.delete(oldest);
    }
  }
}

function keyOf({ metadata }: KubernetesObject): string {
  return metadata.uid ?? metadata.name;
}

function versionKey({ metadata }: KubernetesObject): string {
  return `${metadata.uid} ${metadata.resourceVersion}`;
}
