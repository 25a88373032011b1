import { mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { sha256, shortDigest } from "@belay/core";

/** What a program of this very path, size and time said of its version before. Asking it costs as much as a small scan. */
export class TrivyVersions {
  readonly #folder: string;

  /** `folder`: made when need be, may be lost at any time. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async find(command: string): Promise<string | undefined> {
    const place = await this.#place(command);
    const known = place === undefined ? "" : await readFile(place, "utf8").catch(() => "");
    return /^\d+\.\d+\.\S+$/.test(known) ? known : undefined;
  }

  /** A full disk forgets it, and nothing else. */
  async keep(command: string, version: string): Promise<void> {
    const place = await this.#place(command);
    if (place === undefined) return;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(`${place}.${process.pid}`, version);
      await rename(`${place}.${process.pid}`, place);
    } catch {
      // Asked again the next time.
    }
  }

  async #place(command: string): Promise<string | undefined> {
    const folders = isAbsolute(command) ? [""] : (process.env.PATH ?? "").split(delimiter);
    for (const folder of folders.filter((one) => one !== "" || isAbsolute(command))) {
      const file = await realpath(isAbsolute(command) ? command : join(folder, command)).catch(() => undefined);
      if (file === undefined) continue;
      const { size, mtimeMs, ino } = await stat(file);
      return join(this.#folder, shortDigest(sha256(JSON.stringify([file, size, mtimeMs, ino])), 32));
    }
    return undefined;
  }
}
