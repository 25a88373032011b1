import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, shortDigest } from "@belay/core";
import type { Scanner } from "../trivy/image-arguments.ts";

/** All that a report depends on. */
export interface ReportKey {
  /** Of the image's config, which names its layers. */
  readonly config: Digest;
  /** What tells the database from any other; not of its content, which is a gigabyte. */
  readonly database: Digest;
  /** The same of the database of Java archives; none when there is none that may be used. */
  readonly java?: Digest;
  readonly trivy: string;
  readonly scanners: readonly Scanner[];
}

/** The same of a Dockerfile, for which no database is needed. */
export interface DockerfileKey {
  readonly dockerfile: Digest;
  readonly trivy: string;
  readonly scanners: readonly Scanner[];
}

/** What nobody has asked for in so long goes. */
const KEEP_MS = 7 * 86_400_000;

/**
 * Reports of earlier scans, by what they depend on: the same image, scanned by the same Trivy with the same database, has
 * the same report. Nothing is lost with it, and nothing in it is believed without a look at what image it speaks of.
 */
export class ReportCache {
  readonly #folder: string;

  /** `folder`: made when need be. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async find(key: ReportKey | DockerfileKey): Promise<string | undefined> {
    const path = this.#path(key);
    try {
      const json = await readFile(path, "utf8");
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return json;
    } catch {
      return undefined;
    }
  }

  /** A full disk, or what is no folder, loses it, and nothing else. */
  async keep(key: ReportKey | DockerfileKey, json: string): Promise<void> {
    const path = this.#path(key);
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(`${path}.${process.pid}`, json);
      await rename(`${path}.${process.pid}`, path);
      await this.#tidy();
    } catch {
      await rm(`${path}.${process.pid}`, { force: true }).catch(() => undefined);
    }
  }

  async #tidy(): Promise<void> {
    const oldest = Date.now() - KEEP_MS;
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path);
      if (mtimeMs < oldest) await rm(path, { force: true });
    }
  }

  #path(key: ReportKey | DockerfileKey): string {
    return join(this.#folder, `${shortDigest(digestOf({ version: 3, ...key }), 40)}.json`);
  }
}
