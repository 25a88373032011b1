import { randomUUID } from "node:crypto";
import { type CreateResult, LABELS, type RecordStore, type Scope, scopeHash, sha256 } from "@belay/core";
import { type Docker, isConflict, isNotFound, type SwarmFile } from "@belay/docker";

const NONCE = "dev.belay.nonce";
/** The engine takes no empty config (swarmkit, `validateConfigSpec`), and records may be empty. */
const HEAD = Uint8Array.of(1);

/**
 * Records as configs of the swarm: a name is given once, whoever asks first, and all managers agree on it. They need a quorum
 * of managers, as any change to a service does. 1,000,000 bytes pass, less the head; names have 64 characters at most
 * (swarmkit, `validateConfigOrSecretAnnotations`), and the longest record's has 45.
 *
 * The nonce that tells a caller's own record from another's is made of this store's random name and the bytes: the same
 * caller asking again with the same bytes finds its own, another process with the same bytes does not.
 */
export class ConfigRecordStore implements RecordStore {
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
    const body = {
      Name: this.#prefix + name,
      Labels: {
        [LABELS.scope]: scopeHash(this.#scope),
        [LABELS.application]: this.#scope.application,
        [LABELS.environment]: this.#scope.environment,
        [LABELS.record]: name,
        [NONCE]: nonce,
      },
      Data: Buffer.concat([HEAD, bytes]),
    };
    try {
      await this.#docker.configs.create(body);
      return { created: true };
    } catch (error) {
      if (!isConflict(error)) throw error;
      const there = await this.#find(name);
      // Gone again in between: somebody compacts.
      if (there === undefined) return { created: false, bytes: undefined };
      if (there.Spec.Labels?.[NONCE] === nonce) return { created: true };
      return { created: false, bytes: bytesOf(there) };
    }
  }

  async list(): Promise<readonly string[]> {
    const filters = { label: [`${LABELS.scope}=${scopeHash(this.#scope)}`, LABELS.record] };
    const found = await this.#docker.configs.list({ filters });
    const names = found.map(({ Spec }) => Spec.Name).filter((name) => name.startsWith(this.#prefix));
    return names.map((name) => name.slice(this.#prefix.length));
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const there = await this.#find(name);
    return there && bytesOf(there);
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#docker.configs.remove(this.#prefix + name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #find(name: string): Promise<SwarmFile | undefined> {
    try {
      return await this.#docker.configs.inspect(this.#prefix + name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Managers tell of configs, and only they keep records. */
  async *made(name: string, signal: AbortSignal): AsyncGenerator<void> {
    const filters = { type: ["config"], event: ["create"] };
    for await (const { Actor } of this.#docker.events({ filters, signal })) {
      if (Actor.Attributes?.name === this.#prefix + name) yield;
    }
  }
}

function bytesOf({ Spec }: SwarmFile): Uint8Array {
  return new Uint8Array(Buffer.from(Spec.Data ?? "", "base64").subarray(HEAD.length));
}
