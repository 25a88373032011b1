import { type FileHandle, open } from "node:fs/promises";
import { posix } from "node:path";
import type { ImageFile, ImageFiles } from "./image-files.ts";
import { BLOCK, parsePax, parseTarHeader, type TarHeader } from "./tar-header.ts";

/** Where a file's bytes are, or which other name it stands for. */
type Entry = { readonly start: number; readonly size: number } | { readonly target: string };

/** An image has a few per layer. */
const MOST_ENTRIES = 10_000;
/** Bytes of what stands before a header: pax records may hold more than names. */
const LONGEST_EXTRA = 64 * 1024;
/** PATH_MAX of Linux; all of them are kept in memory. */
const LONGEST_NAME = 4 * 1024;
const MOST_LINKS = 8;
const PIECE = 512 * 1024;

/**
 * The files of a tar archive, read where they lie: nothing is unpacked, names are keys of a map and never paths on this
 * machine, links lead to other names of the archive only. The same open file is read to the end, whatever becomes of its name.
 */
export class TarFiles implements ImageFiles {
  readonly #handle: FileHandle;
  readonly #entries = new Map<string, Entry>();

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @throws Error for what is no tar archive; the signal's reason */
  static async open(path: string, signal?: AbortSignal): Promise<TarFiles> {
    const files = new TarFiles(await open(path));
    try {
      await files.#index(signal);
      return files;
    } catch (error) {
      await files[Symbol.asyncDispose]();
      throw error;
    }
  }

  async find(name: string): Promise<ImageFile | undefined> {
    let entry = this.#entries.get(cleaned(name));
    for (let links = 0; entry !== undefined && "target" in entry; links++) {
      entry = links < MOST_LINKS ? this.#entries.get(entry.target) : undefined;
    }
    if (entry === undefined) return undefined;
    const { start, size } = entry;
    return { size, read: () => this.#read(start, size) };
  }

  async *#read(start: number, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; ) {
      const { bytesRead, buffer } = await this.#handle.read(
        Buffer.allocUnsafe(Math.min(PIECE, size - at)),
        0,
        undefined,
        start + at,
      );
      if (bytesRead === 0) throw new Error("it ends in the middle");
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async #index(signal: AbortSignal | undefined): Promise<void> {
    const { size: end } = await this.#handle.stat();
    await this.#refuseCompressed();
    let extra: Extra = {};
    for (let at = 0, count = 0; at < end; ) {
      signal?.throwIfAborted();
      const block = await this.#bytes(at, BLOCK);
      // Two such blocks are the end; after one there is nothing that a reader would look for either.
      if (block.every((byte) => byte === 0)) return;
      if (++count > MOST_ENTRIES) throw new Error(`it holds more than ${MOST_ENTRIES} files`);
      const header = parseTarHeader(block);
      const own = isExtra(header) || header.empty ? header.size : (extra.size ?? header.size);
      if (at + BLOCK + own > end) throw new Error("it ends in the middle");
      if (isExtra(header)) extra = { ...extra, ...(await this.#extra(header, at + BLOCK)) };
      else {
        this.#add(header, extra, at + BLOCK, own);
        extra = {};
      }
      at += BLOCK + Math.ceil(own / BLOCK) * BLOCK;
    }
  }

  #add(header: TarHeader, extra: Extra, start: number, size: number): void {
    const name = cleaned(extra.name ?? header.name);
    const link = extra.link ?? header.link;
    // As an unpacked archive has it: what comes later takes the place of what came before.
    if (header.type === "0") this.#entries.set(name, { start, size });
    if (header.type === "1") this.#entries.set(name, { target: cleaned(link) });
    if (header.type === "2") this.#entries.set(name, { target: cleaned(posix.join(posix.dirname(name), link)) });
  }

  async #extra(header: TarHeader, start: number): Promise<Extra> {
    // Global records say nothing of single files.
    if (header.type === "g") return {};
    if (header.size > LONGEST_EXTRA) throw new Error("a name in it is too long");
    const bytes = await this.#bytes(start, header.size);
    if (header.type !== "x") {
      const text = bytes.toString("utf8").replace(/\0.*$/s, "");
      refuseLong(text);
      return header.type === "L" ? { name: text } : { link: text };
    }
    const pax = parsePax(bytes);
    const [name, link, size] = [pax.get("path"), pax.get("linkpath"), pax.get("size")];
    for (const one of [name, link]) refuseLong(one ?? "");
    if (size !== undefined && !/^\d{1,15}$/.test(size)) throw new Error("a header in it can't be read");
    return {
      ...(name === undefined ? {} : { name }),
      ...(link === undefined ? {} : { link }),
      ...(size === undefined ? {} : { size: Number(size) }),
    };
  }

  async #bytes(at: number, length: number): Promise<Buffer> {
    const { bytesRead, buffer } = await this.#handle.read(Buffer.alloc(length), 0, length, at);
    if (bytesRead < length) throw new Error(at === 0 ? "it is no tar archive" : "it ends in the middle");
    return buffer;
  }

  async #refuseCompressed(): Promise<void> {
    const { bytesRead, buffer } = await this.#handle.read(Buffer.alloc(4), 0, 4, 0);
    const magic = buffer.subarray(0, bytesRead).toString("hex");
    const packed = { "1f8b": "gzip", "28b52ffd": "zstd", fd377a58: "xz", "425a68": "bzip2" };
    const found = Object.entries(packed).find(([begin]) => magic.startsWith(begin));
    if (found !== undefined) throw new Error(`it is compressed with ${found[1]}: decompress it first`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** What stands before a header and is about it. */
interface Extra {
  readonly name?: string;
  readonly link?: string;
  readonly size?: number;
}

function isExtra({ type }: TarHeader): boolean {
  return ["x", "g", "L", "K"].includes(type);
}

function refuseLong(name: string): void {
  if (Buffer.byteLength(name) > LONGEST_NAME) throw new Error("a name in it is too long");
}

function cleaned(name: string): string {
  return posix.normalize(name).replace(/^\.\//, "");
}
