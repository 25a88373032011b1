import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  BelayError,
  type Clock,
  type Digest,
  digestOf,
  formatDuration,
  isBelayError,
  type Log,
  oneLine,
  parseReference,
  retry,
} from "@belay/core";
import { ScanError } from "../trivy/could-not-scan.ts";
import { exclusive } from "../trivy/exclusive.ts";
import { nextStep } from "../trivy/explain-failure.ts";
import { DATABASES, type DatabaseKind, downloadArguments, WORKPLACE } from "../trivy/image-arguments.ts";
import type { Trivy } from "../trivy/trivy.ts";
import { waitUntilUnlocked } from "../trivy/write-lock.ts";
import { databaseDigest } from "./database-digest.ts";
import { type Database, DatabaseFiles } from "./database-files.ts";

export interface DatabaseStoreOptions {
  readonly trivy: Trivy;
  /** Trivy's cache folder, absolute. Made if need be. */
  readonly cache: string;
  /** Repositories to download from, in this order. Default: Trivy's own and its mirror. */
  readonly repositories?: Partial<Readonly<Record<DatabaseKind, readonly string[]>>>;
  /** False: never downloads; what is in the cache has to do. */
  readonly update: boolean;
  /** An older one of vulnerabilities is not used. */
  readonly maxAgeMs: number;
  /** Nor an older one of Java archives. Default {@link JAVA_AGE_MS}. */
  readonly maxJavaAgeMs?: number;
  /** For one download. Default 5 min. */
  readonly deadlineMs?: number;
  /** How often the whole list is tried when the rate is limited or nothing answers. Default 3. */
  readonly attempts?: number;
  /** Before the second round; doubles. Default 5 s. */
  readonly delayMs?: number;
  /** How long another process may hold a database for writing before it is given up. Default 30 s. */
  readonly lockWaitMs?: number;
  /** Whether a registry (`host:port`) may speak plain HTTP, or have a certificate that nobody vouches for. Default: none may. */
  readonly insecure?: (registry: string) => boolean | Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Trivy's own (`pkg/db`, `pkg/javadb`). */
const UPSTREAM: Readonly<Record<DatabaseKind, readonly string[]>> = {
  vulnerabilities: ["mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2"],
  java: ["mirror.gcr.io/aquasec/trivy-java-db:1", "ghcr.io/aquasecurity/trivy-java-db:1"],
};

const FILL = "Put one there before, in the folder that `cache-dir` names, or let it be downloaded (`update-db`).";

const HOUR_MS = 3_600_000;

/** Upstream makes one a day and calls it good for three (trivy-java-db, `updateInterval`); a mirror may be slower. */
const JAVA_AGE_MS = 14 * 24 * HOUR_MS;

/** A database that was looked at when nobody had asked for it yet. */
interface Ahead {
  readonly database: Database;
  /** When the look ended, by the clock's monotonic time. */
  readonly at: number;
}

/** Whether a lock is held, and how old a database is, is not known for longer by a look. */
const AHEAD_MS = 2_000;

/**
 * The databases of this machine, shared by all scans. One download at a time, whoever asks; scans that run keep the one
 * that they have. It goes on to the next repository after any failure (Trivy itself does so after a 429 only).
 */
export class DatabaseStore {
  readonly #options: DatabaseStoreOptions;
  /** Hashes that are being made or are done, by {@link mark}. */
  readonly #digests = new Map<Digest, Promise<Digest>>();
  readonly #ahead = new Map<DatabaseKind, Promise<Ahead | undefined>>();

  /** @throws BelayError INVALID_INPUT for what is no repository */
  constructor(options: DatabaseStoreOptions) {
    for (const repository of Object.values(options.repositories ?? {}).flat()) {
      if (parseReference(repository) !== undefined) continue;
      const got = `${JSON.stringify(oneLine(repository))} is no repository`;
      const next = "Write it like registry.example/trivy-db:2.";
      throw new BelayError("INVALID_INPUT", { doing: "reading the databases' repositories", got, next });
    }
    this.#options = options;
  }

  /**
   * The newest database, downloaded if there is a newer one upstream. When that fails, the one that is here does until
   * it is too old.
   * @throws ScanError no_database, stale_database, cache_locked, unusable_folder, or what hindered the download
   */
  async take(kind: DatabaseKind, signal?: AbortSignal): Promise<Database> {
    const ahead = await this.#ahead.get(kind);
    if (ahead !== undefined && this.#options.clock.now() < ahead.at + AHEAD_MS) return ahead.database;
    return this.#take(kind, new DatabaseFiles(this.#options.cache, kind), signal, this.#options.lockWaitMs);
  }

  async #take(
    kind: DatabaseKind,
    files: DatabaseFiles,
    signal: AbortSignal | undefined,
    waitMs = 30_000,
  ): Promise<Database> {
    const failure = await this.#update(kind, files, signal);
    const database = await files.newest();
    this.#check(kind, database, failure);
    if (failure !== undefined) {
      this.#options.log.warn(`${failure.message} The one of ${database.updatedAt}, which is here, is used.`);
    }
    await files.keep(database);
    const { clock } = this.#options;
    const waiting = { doing: `opening Trivy's database (${kind})`, waitMs, clock, ...(signal ? { signal } : {}) };
    await waitUntilUnlocked(join(database.folder, DATABASES[kind].file), waiting);
    return database;
  }

  /**
   * Looks while an image is looked for, if nothing has to be downloaded: whoever takes it right after finds the work done. A
   * failure is told to nobody but them.
   */
  takeAhead(kind: DatabaseKind, signal?: AbortSignal): void {
    const looking = async (): Promise<Ahead | undefined> => {
      const files = new DatabaseFiles(this.#options.cache, kind);
      if (this.#options.update && this.#isDue(await files.newest())) return undefined;
      // Whoever takes it waits for a lock: to have waited before would double that.
      return { database: await this.#take(kind, files, signal, 0), at: this.#options.clock.now() };
    };
    this.#ahead.set(
      kind,
      looking().catch(() => undefined),
    );
  }

  /**
   * Digest of a database's file. It has a gigabyte, so that it is read once, whoever asks; whoever only wants to tell two
   * apart asks for its {@link mark}.
   */
  async digest(kind: DatabaseKind, database: Database): Promise<Digest> {
    const file = join(database.folder, DATABASES[kind].file);
    const mark = await markOf(file, database);
    const known = this.#digests.get(mark) ?? databaseDigest(file, join(this.#options.cache, "belay", "digests"));
    this.#digests.set(mark, known);
    return known;
  }

  /** Tells a database from any other, also from one that says the same of itself. `undefined`: its file is missing. */
  async mark(kind: DatabaseKind, database: Database): Promise<Digest | undefined> {
    return markOf(join(database.folder, DATABASES[kind].file), database).catch(() => undefined);
  }

  /** What is here, without a download; whatever its age. */
  async find(kind: DatabaseKind): Promise<Database | undefined> {
    return new DatabaseFiles(this.#options.cache, kind).newest();
  }

  /** What is here and not too old, without a download. */
  async usable(kind: DatabaseKind): Promise<Database | undefined> {
    const found = await this.find(kind);
    return found !== undefined && this.#ageOf(found) <= this.#most(kind) ? found : undefined;
  }

  #ageOf({ madeAt }: Database): number {
    return this.#options.clock.date().getTime() - madeAt;
  }

  #most(kind: DatabaseKind): number {
    const { maxAgeMs, maxJavaAgeMs = JAVA_AGE_MS } = this.#options;
    return kind === "java" ? maxJavaAgeMs : maxAgeMs;
  }

  #check(kind: DatabaseKind, found: Database | undefined, failure: ScanError | undefined): asserts found is Database {
    const doing = `taking Trivy's database (${kind})`;
    if (found === undefined) {
      if (failure !== undefined) throw failure;
      if (!this.#options.update) {
        const got = `there is none in ${this.#options.cache}, and none may be downloaded`;
        throw new ScanError("no_database", { doing, got, next: FILL });
      }
      throw new ScanError("no_database", { doing, next: nextStep("no_database") ?? "" });
    }
    const [age, most] = [this.#ageOf(found), this.#most(kind)];
    if (age <= most) return;
    const old = `it was made ${formatDuration(age)} ago (${found.updatedAt}), ${formatDuration(most)} is allowed`;
    const got = failure === undefined ? old : `${old}; no newer one could be had: ${failure.got}`;
    throw new ScanError("stale_database", {
      doing,
      got,
      next: `Let it be updated, or raise \`${kind === "java" ? "max-java-db-age" : "max-db-age"}\`.`,
      cause: failure,
    });
  }

  /** Why it could not be updated, if it had to be. */
  async #update(
    kind: DatabaseKind,
    files: DatabaseFiles,
    signal: AbortSignal | undefined,
  ): Promise<ScanError | undefined> {
    if (!this.#options.update || !this.#isDue(await files.newest())) return undefined;
    const { clock, deadlineMs = 5 * 60_000 } = this.#options;
    const doing = `downloading Trivy's database (${kind})`;
    const waiting = { clock, doing, waitMs: 2 * deadlineMs, ...(signal === undefined ? {} : { signal }) };
    try {
      const lock = join(await files.place(), "lock");
      await files.using(() =>
        exclusive(lock, waiting, async () => {
          if (this.#isDue(await files.newest())) await this.#download(kind, files, doing, signal);
        }),
      );
      return undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ScanError) return error;
      if (isBelayError(error, "TIMED_OUT"))
        return new ScanError("cache_locked", { doing, got: error.got, cause: error });
      throw error;
    }
  }

  /** Trivy's own rule (`pkg/db`, "isNewDB"): upstream has a newer one, and this one was not fetched within the hour. */
  #isDue(database: Database | undefined): boolean {
    const now = this.#options.clock.date().getTime();
    return database === undefined || (now >= database.nextAt && now >= database.downloadedAt + HOUR_MS);
  }

  async #download(
    kind: DatabaseKind,
    files: DatabaseFiles,
    doing: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { attempts = 3, delayMs = 5_000, clock, log } = this.#options;
    const retryable = (error: unknown): boolean =>
      error instanceof ScanError && ["rate_limited", "unreachable"].includes(error.obstacle);
    const onRetry = (_error: unknown, attempt: number, pauseMs: number): void =>
      log.info(`${doing}: try ${attempt} failed, the next is in ${formatDuration(pauseMs)}.`);
    const policy = { attempts, delayMs, maxDelayMs: 60_000, retryable, onRetry, clock, ...(signal ? { signal } : {}) };
    await retry(policy, () => this.#fromAny(kind, files, doing, signal));
  }

  async #fromAny(
    kind: DatabaseKind,
    files: DatabaseFiles,
    doing: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const failures: ScanError[] = [];
    for (const repository of this.#options.repositories?.[kind] ?? UPSTREAM[kind]) {
      try {
        return await this.#from(kind, repository, files, doing, signal);
      } catch (error) {
        if (!(error instanceof ScanError)) throw error;
        failures.push(error);
        this.#options.log.info(error.message);
      }
    }
    // What may heal counts first: a mirror that lacks it says nothing about the one that was busy.
    const worst = failures.find((one) => one.obstacle === "rate_limited") ?? failures[0];
    const got = failures.map((one) => one.got).join("; ") || "no repository is named";
    const obstacle = worst?.obstacle === "image_not_found" ? "no_database" : (worst?.obstacle ?? "no_database");
    throw new ScanError(obstacle, { doing, got, next: nextStep(obstacle) ?? "", cause: worst });
  }

  async #from(
    kind: DatabaseKind,
    repository: string,
    files: DatabaseFiles,
    doing: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { trivy, deadlineMs = 5 * 60_000, log } = this.#options;
    const insecure = await this.#options.insecure?.(parseReference(repository)?.registry ?? "");
    // Beside its last place, because a rename works within one file system only.
    const folder = await mkdtemp(join(await files.place(), "download-"));
    try {
      log.info(`${doing} from ${repository}`);
      const call = { doing: `${doing} from ${repository}`, cwd: folder, deadlineMs: deadlineMs + 10_000 };
      const args = downloadArguments(kind, repository, deadlineMs, insecure ?? false);
      await trivy.run(args, { ...call, ...(signal ? { signal } : {}) });
      await files.publish(join(folder, WORKPLACE.cache, DATABASES[kind].folder));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function markOf(file: string, { schema, updatedAt }: Database): Promise<Digest> {
  const { size, mtimeMs } = await stat(file);
  return digestOf({ schema, updatedAt, size, mtimeMs: Math.trunc(mtimeMs) });
}
