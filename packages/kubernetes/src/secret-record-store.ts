import { randomUUID } from "node:crypto";
import {
  type Clock,
  type CreateResult,
  isBelayError,
  packRecord,
  type RecordStore,
  type Scope,
  scopeHash,
  sha256,
  unpackRecord,
} from "@belay/core";
import { isTaken } from "./api/api-error.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";
import type { KubernetesObject, ObjectKey } from "./kubernetes-object.ts";
import { KUBERNETES_ANNOTATIONS, KUBERNETES_LABELS } from "./marks.ts";

const NONCE = "belay.dev/nonce";
const TYPE = "belay.dev/record";
/** Between two watches: the API server ends one now and then, or is away. Milliseconds. */
const PAUSE_MS = 2_000;

/**
 * Records as immutable Secrets: the API server creates a name at most once (`AlreadyExists`), and whoever may not read the
 * namespace's Secrets does not see what the specs in a snapshot carry. A Secret holds 1 MiB at most.
 *
 * The nonce tells a caller's own record from another's: the same caller that asks again because the answer was lost, with
 * the same bytes, finds its own.
 */
export class SecretRecordStore implements RecordStore {
  readonly #api: KubernetesApi;
  readonly #scope: Scope;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #caller = randomUUID();

  constructor(api: KubernetesApi, scope: Scope, clock: Clock) {
    this.#api = api;
    this.#scope = scope;
    this.#clock = clock;
    this.#prefix = `belay.${scopeHash(scope)}.`;
  }

  async create(name: string, bytes: Uint8Array): Promise<CreateResult> {
    const nonce = `${this.#caller}.${sha256(bytes)}`;
    try {
      await this.#api.create(this.#secretOf(name, bytes, nonce));
      return { created: true };
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
    const there = await this.#api.get(this.#keyOf(name));
    // Removed in between: whoever asks again will see.
    if (there === undefined) return { created: false, bytes: undefined };
    if (there.metadata.annotations?.[NONCE] === nonce) return { created: true };
    return { created: false, bytes: bytesOf(there) };
  }

  async list(): Promise<readonly string[]> {
    const labelSelector = `${KUBERNETES_LABELS.scope}=${scopeHash(this.#scope)},${KUBERNETES_LABELS.record}=true`;
    const { items } = await this.#api.list("v1", "Secret", { labelSelector, metadataOnly: true });
    const names = items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith(this.#prefix));
    return names.map((name) => name.slice(this.#prefix.length));
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const secret = await this.#api.get(this.#keyOf(name));
    return secret && bytesOf(secret);
  }

  remove(name: string): Promise<void> {
    return this.#api.remove(this.#keyOf(name));
  }

  /**
   * One open watch on this record alone, opened again when it ends. It tells of one that stands already, too.
   * @throws BelayError ENGINE_FORBIDDEN: whoever may not watch Secrets is not told.
   */
  async *made(name: string, signal: AbortSignal): AsyncGenerator<void> {
    const query = { fieldSelector: `metadata.name=${this.#prefix}${name}`, metadataOnly: true };
    while (!signal.aborted) {
      try {
        const { items, resourceVersion } = await this.#api.list("v1", "Secret", { ...query, signal });
        if (items.length > 0) yield;
        const events = await this.#api.watch("v1", "Secret", resourceVersion, signal, query);
        for await (const { type } of events) if (type === "ADDED") yield;
      } catch (error) {
        if (isBelayError(error, "ENGINE_FORBIDDEN")) throw error;
        // Whatever else it is, the next watch is tried, and the holder's beat hears of the record meanwhile.
      }
      await this.#clock.sleep(PAUSE_MS, signal).catch(() => undefined);
    }
  }

  #keyOf(name: string): ObjectKey {
    return { apiVersion: "v1", kind: "Secret", name: this.#prefix + name };
  }

  #secretOf(name: string, bytes: Uint8Array, nonce: string): KubernetesObject {
    const { application, environment } = this.#scope;
    return {
      apiVersion: "v1",
      kind: "Secret",
      type: TYPE,
      immutable: true,
      metadata: {
        name: this.#prefix + name,
        labels: { [KUBERNETES_LABELS.scope]: scopeHash(this.#scope), [KUBERNETES_LABELS.record]: "true" },
        annotations: {
          [NONCE]: nonce,
          [KUBERNETES_ANNOTATIONS.application]: application,
          [KUBERNETES_ANNOTATIONS.environment]: environment,
        },
      },
      data: { record: packRecord(bytes) },
    };
  }
}

function bytesOf(secret: KubernetesObject): Uint8Array {
  const { record } = (secret.data ?? {}) as { readonly record?: string };
  return unpackRecord(record);
}
