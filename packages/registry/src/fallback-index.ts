import { type Clock, type Digest, type Log, sha256 } from "@belay/core";
import { type Descriptor, entriesOf, MEDIA_TYPES } from "./manifest.ts";
import type { RegistryClient } from "./registry-client.ts";

export interface ListOptions {
  readonly registry: RegistryClient;
  readonly repository: string;
  readonly subject: Digest;
  readonly entry: Descriptor;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal?: AbortSignal;
  readonly random?: () => number;
}

/** Looks and writes until an entry is given up. */
const TRIES = 12;
/** Writers of one list in this process go one after the other. */
const turns = new Map<string, Promise<unknown>>();

/**
 * Registries without the referrers API (GHCR, distribution 2.x): an index under the tag `sha256-<hex>` lists what refers
 * to an image (distribution spec, "Referrers Tag Schema"). It can only be read and written back, without any lock. So
 * everything that was seen in it once is written again when another writer has pushed it out, ours or not, until a look
 * finds all of it after a pause that is longer than a writer takes. What still can't be kept is told in the log.
 * @returns whether it is listed
 */
export async function listByTag(options: ListOptions): Promise<boolean> {
  const key = `${options.repository}@${options.subject}`;
  const turn = (turns.get(key) ?? Promise.resolve()).then(
    () => addEntry(options),
    () => addEntry(options),
  );
  turns.set(key, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(key) === turn) turns.delete(key);
  }
}

/** What the tag lists. */
export async function readListed(registry: RegistryClient, repository: string, subject: Digest): Promise<Descriptor[]> {
  const tag = tagOf(subject);
  const index = await registry.manifest(repository, tag);
  return index === undefined ? [] : entriesOf(`reading ${repository}:${tag}`, index);
}

async function addEntry(options: ListOptions): Promise<boolean> {
  const { registry, repository, subject, entry, clock, log, signal } = options;
  const seen = new Map<Digest, Descriptor>([[entry.digest, entry]]);
  let slowestMs = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    const begunAt = clock.now();
    const listed = await readListed(registry, repository, subject);
    const there = new Set(listed.map(({ digest }) => digest));
    for (const one of listed) seen.set(one.digest, one);
    const lost = [...seen.values()].filter(({ digest }) => !there.has(digest));
    if (lost.length === 0) return true;
    await write(registry, repository, subject, [...listed, ...lost]);
    slowestMs = Math.max(slowestMs, clock.now() - begunAt);
    // Whoever read before our write has written by then, if it takes no more than twice as long as we did.
    await clock.sleep((20 + 2 * slowestMs) * (1 + (options.random ?? Math.random)() / 2), signal);
  }
  log.warn(
    `The ${entry.artifactType ?? "artifact"} is stored, but ${repository}:${tagOf(subject)} does not list it for sure: others write that tag at the same time.`,
  );
  return false;
}

async function write(
  registry: RegistryClient,
  repository: string,
  subject: Digest,
  manifests: readonly Descriptor[],
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
  const index = { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociIndex, bytes };
  await registry.putManifest(repository, tagOf(subject), index);
}

function tagOf(subject: Digest): string {
  return subject.replace(":", "-");
}
