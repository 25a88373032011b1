import { randomUUID } from "node:crypto";
import {
  type CreateResult,
  LABELS,
  packRecord,
  type RecordStore,
  type Scope,
  scopeHash,
  sha256,
  unpackRecord,
} from "@belay/core";
import { type Docker, isNotFound, type Volume } from "@belay/docker";

const NONCE = "dev.belay.nonce";

/**
 * Records as labels of volumes, the one thing of plain Docker that is created at most once and found by its name: creating
 * a volume that exists answers with the labels of the first one. The bytes stand gzipped in base64 in a label (600 kB were
 * tried).
 *
 * The nonce that tells a caller's own record from another's is made of this store's random name and the bytes: the same
 * caller asking again with the same bytes finds its own, another process with the same bytes does not.
 *
 * `docker volume prune` removes the records of engines before API 1.42, and `docker volume prune --all` or `docker system
 * prune --volumes` those of any: what runs then counts as `unverified` (docs/ledger.md). Never mount these volumes.
 */
export class VolumeRecordStore implements RecordStore {
  readonly #docker: Docker;
  readonly #scope: Scope;
  readonly #prefix: string;
  readonly #caller = randomUUID();

  constructor(docker: Docker, scope: Scope) {
    this.#docker = docker;
    this.#scope = scope;
    this.#prefix = `belay.${scopeHash(scope)}.`;
  }

  async create(name: string, bytes: Uint8Array): Promise<CreateResult> {
    const nonce = `${this.#caller}.${sha256(bytes)}`;
    const volume = await this.#docker.volumes.create({
      Name: this.#prefix + name,
      Labels: {
        [LABELS.scope]: scopeHash(this.#scope),
        [LABELS.application]: this.#scope.application,
        [LABELS.environment]: this.#scope.environment,
        [LABELS.record]: packRecord(bytes),
        [NONCE]: nonce,
      },
    });
    if (volume.Labels?.[NONCE] === nonce) return { created: true };
    return { created: false, bytes: bytesOf(volume) };
  }

  /** By name, not by label: an engine that died may leave a volume without labels, and it is a claimed record too. */
  async list(): Promise<readonly string[]> {
    const volumes = await this.#docker.volumes.list({ filters: { name: [this.#prefix] } });
    const own = volumes.map(({ Name }) => Name).filter((name) => name.startsWith(this.#prefix));
    return own.map((name) => name.slice(this.#prefix.length));
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return bytesOf(await this.#docker.volumes.inspect(this.#prefix + name));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#docker.volumes.remove(this.#prefix + name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async *made(name: string, signal: AbortSignal): AsyncGenerator<void> {
    const filters = { type: ["volume"], event: ["create"] };
    for await (const { Actor } of this.#docker.events({ filters, signal })) {
      if (Actor.ID === this.#prefix + name) yield;
    }
  }
}

function bytesOf(volume: Volume): Uint8Array {
  return unpackRecord(volume.Labels?.[LABELS.record]);
}
