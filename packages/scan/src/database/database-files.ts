import { mkdir, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { DatabaseVersion } from "../report/scan-report.ts";
import { DATABASES, type DatabaseKind } from "../trivy/image-arguments.ts";
import { unusableFolder } from "../trivy/unusable-folder.ts";

/** A database on this machine. Nobody changes a published one: a newer one gets a folder of its own. */
export interface Database extends DatabaseVersion {
  readonly folder: string;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  /** When upstream says that there is a newer one. */
  readonly nextAt: number;
  readonly downloadedAt: number;
}

/** trivy-db, `pkg/metadata`. */
const METADATA = z.object({
  Version: z.number(),
  UpdatedAt: z.iso.datetime({ offset: true }),
  NextUpdate: z.string().default(""),
  DownloadedAt: z.string().default(""),
});

/** Old ones go when nobody has taken them for so long: longer than any scan. */
const KEEP_MS = 6 * 3_600_000;

/**
 * Databases in a cache folder: the one that Trivy itself keeps in it (`db`, `java-db`), which a cache of the workflow or
 * a hand may have put there, and Belay's, in folders that are named by when they were made. Whoever only looks changes
 * nothing there. A folder that can't be used is a ScanError (`unusable_folder`).
 */
export class DatabaseFiles {
  readonly #cache: string;
  readonly #kind: DatabaseKind;
  readonly #folder: string;

  constructor(cache: string, kind: DatabaseKind) {
    this.#cache = cache;
    this.#kind = kind;
    this.#folder = join(cache, "belay", DATABASES[kind].folder);
  }

  /** Runs what writes to the cache folder, whose errors are told as what they are. */
  async using<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const doing = `using Trivy's database (${this.#kind})`;
      throw unusableFolder(error, { doing, folder: this.#cache, kind: "cache" }) ?? error;
    }
  }

  /** Folder for locks, downloads and what is published. */
  async place(): Promise<string> {
    await this.using(() => mkdir(this.#folder, { recursive: true }));
    return this.#folder;
  }

  async newest(): Promise<Database | undefined> {
    const own = join(this.#cache, DATABASES[this.#kind].folder);
    const all = await Promise.all([own, ...(await this.#published())].map(readDatabase));
    return all.filter((one) => one !== undefined).sort((a, b) => b.madeAt - a.madeAt)[0];
  }

  /** Moves a downloaded one to its place, at once or not at all. */
  async publish(downloaded: string): Promise<void> {
    const database = await readDatabase(downloaded);
    if (database === undefined) throw new Error(`there is no metadata.json in ${downloaded}`);
    const name = new Date(database.madeAt).toISOString().replace(/\D/g, "");
    const place = await this.place();
    try {
      await rename(downloaded, join(place, name));
    } catch (error) {
      // The same one is there already.
      if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }

  /** Marks it as taken, and removes what nobody has taken for long. */
  async keep(database: Database): Promise<void> {
    for (const folder of await this.#published()) {
      const now = new Date();
      if (folder === database.folder) await utimes(folder, now, now).catch(() => undefined);
      else if (await isOlder(folder, now.getTime() - KEEP_MS)) {
        await this.using(() => rm(folder, { recursive: true, force: true }));
      }
    }
  }

  async #published(): Promise<string[]> {
    const names = await this.using(() => readdir(this.#folder).catch(ifAbsent));
    return names.filter((name) => /^\d+$/.test(name)).map((name) => join(this.#folder, name));
  }
}

/** The database that Trivy itself uses when it is given this cache folder; never one of Belay's. */
export async function trivysOwnDatabase(cache: string, kind: DatabaseKind): Promise<Database | undefined> {
  return readDatabase(join(cache, DATABASES[kind].folder));
}

function ifAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}

async function isOlder(folder: string, milliseconds: number): Promise<boolean> {
  return stat(folder).then(
    (found) => found.mtimeMs < milliseconds,
    () => false,
  );
}

/** Nothing where a file is missing or can't be read. */
async function readDatabase(folder: string): Promise<Database | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(folder, "metadata.json"), "utf8"));
  } catch {
    return undefined;
  }
  const checked = METADATA.safeParse(value);
  if (!checked.success) return undefined;
  const { Version, UpdatedAt, NextUpdate, DownloadedAt } = checked.data;
  return {
    folder,
    schema: Version,
    updatedAt: UpdatedAt,
    madeAt: Date.parse(UpdatedAt),
    nextAt: Date.parse(NextUpdate) || 0,
    downloadedAt: Date.parse(DownloadedAt) || 0,
  };
}
