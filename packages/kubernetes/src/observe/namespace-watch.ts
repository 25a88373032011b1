import type { Clock, Log } from "@belay/core";
import type { KubernetesApi } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { ObjectCache } from "./object-cache.ts";

/** What is looked at of a namespace: workloads by kind, what stands between them and their pods, and what is told of them. */
export const WATCHED: Readonly<Record<string, string>> = {
  Pod: "v1",
  Event: "v1",
  Deployment: "apps/v1",
  ReplicaSet: "apps/v1",
  StatefulSet: "apps/v1",
  DaemonSet: "apps/v1",
  ControllerRevision: "apps/v1",
  Job: "batch/v1",
  CronJob: "batch/v1",
};

/** Kinds that have to be read to judge the pods of a workload of this kind. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["Deployment", "ReplicaSet"],
  StatefulSet: ["StatefulSet", "ControllerRevision"],
  DaemonSet: ["DaemonSet", "ControllerRevision"],
  Job: ["Job"],
  CronJob: ["CronJob"],
};

export function neededKinds(workloads: Iterable<string>): ReadonlySet<string> {
  const kinds = [...workloads].flatMap((kind) => NEEDED[kind] ?? []);
  return new Set(["Pod", "Event", ...kinds]);
}

/** Objects of a namespace at one moment, by kind. */
export type NamespaceView = ReadonlyMap<string, readonly KubernetesObject[]>;

/** How long a change of ours may take to come back on the watch before it is asked for. */
const ECHO_MS = 5_000;

/**
 * The namespace as it is. While it is followed, one watch per kind keeps it in memory, so that the number of requests
 * depends neither on replicas nor on how often or how long one looks. What is not watched, or not now, is listed.
 */
export class NamespaceWatch {
  readonly #clock: Clock;
  readonly #caches: ReadonlyMap<string, ObjectCache>;
  readonly #listeners = new Set<() => void>();
  /** Changes of ours that the watch has not shown yet, by uid. */
  readonly #awaited = new Map<string, { readonly object: KubernetesObject; readonly at: number }>();
  readonly #watches = new Map<string, Promise<void>>();

  constructor(api: KubernetesApi, clock: Clock, log: Log) {
    this.#clock = clock;
    const onChange = (): void => {
      for (const listener of this.#listeners) listener();
    };
    const options = { api, clock, log, onChange };
    this.#caches = new Map(
      Object.entries(WATCHED).map(([kind, version]) => [kind, new ObjectCache(options, version, kind)]),
    );
  }

  /** A change was made: what is read from now on must show it. */
  expect(object: KubernetesObject): void {
    const { uid } = object.metadata;
    if (uid !== undefined) this.#awaited.set(uid, { object, at: this.#clock.now() });
  }

  async read(kinds: ReadonlySet<string>, signal: AbortSignal): Promise<NamespaceView> {
    const view = await Promise.all([...kinds].map(async (kind) => [kind, await this.#readKind(kind, signal)] as const));
    return new Map(view);
  }

  /** Yields after each change of one of these kinds, until the signal aborts. Several changes may be told as one. */
  async *follow(kinds: ReadonlySet<string>, signal: AbortSignal): AsyncGenerator<void> {
    let ring = Promise.withResolvers<void>();
    const listener = (): void => ring.resolve();
    const stop = (): void => ring.resolve();
    this.#listeners.add(listener);
    signal.addEventListener("abort", stop, { once: true });
    for (const kind of kinds) this.#start(kind, signal);
    try {
      while (!signal.aborted) {
        await ring.promise;
        ring = Promise.withResolvers<void>();
        if (!signal.aborted) yield;
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener("abort", stop);
    }
  }

  /** One watch per kind, however many follow: a second one takes over when the first one ends. */
  #start(kind: string, signal: AbortSignal): void {
    const before = this.#watches.get(kind) ?? Promise.resolve();
    const watch = before.then(() => (signal.aborted ? undefined : this.#caches.get(kind)?.follow(signal)));
    this.#watches.set(kind, watch);
  }

  async #readKind(kind: string, signal: AbortSignal): Promise<readonly KubernetesObject[]> {
    const cache = this.#caches.get(kind);
    if (cache === undefined) return [];
    if (!cache.isLive) return cache.list(signal);
    return (await this.#echoed(cache, signal)) ? cache.objects() : cache.list(signal);
  }

  /** Whether the cache shows all that we changed. Waits for it a moment. */
  async #echoed(cache: ObjectCache, signal: AbortSignal): Promise<boolean> {
    for (const [uid, { object, at }] of this.#awaited) {
      if (object.kind !== cache.kind) continue;
      while (!cache.hasSeen(object, at) && cache.isLive && this.#clock.now() < at + ECHO_MS) {
        await this.#clock.sleep(ECHO_POLL_MS, signal);
      }
      // Shown, or outdated by a later change, or deleted: the moment is over either way.
      this.#awaited.delete(uid);
      if (!cache.hasSeen(object, at)) return false;
    }
    return cache.isLive;
  }
}

const ECHO_POLL_MS = 5;
