import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createGunzip } from "node:zlib";

const BLOCK = 512;

/**
 * Writes one regular file of a .tar.gz to `path`, executable; whatever else the archive holds is passed over, so that no
 * name in it is ever a path on this machine (POSIX.1-1988 ustar header, "pax Interchange Format").
 * @throws Error when the archive is broken, has no such file, or one that is larger than `mostBytes`
 */
export async function unpackProgram(archive: string, name: string, path: string, mostBytes: number): Promise<void> {
  const source = createReadStream(archive);
  const unzipped = source.pipe(createGunzip());
  source.once("error", (error) => unzipped.destroy(error));
  const bytes = new Blocks(unzipped);
  try {
    for (;;) {
      const header = await bytes.take(BLOCK);
      if (header === undefined || header.every((byte) => byte === 0)) throw new Error(`there is no ${name} in it`);
      const size = sizeOf(header);
      if (isFile(header, name)) return await write(bytes, size, path, mostBytes);
      await bytes.skip(Math.ceil(size / BLOCK) * BLOCK);
    }
  } finally {
    source.destroy();
    unzipped.destroy();
  }
}

function isFile(header: Buffer, name: string): boolean {
  const type = header[156];
  return textOf(header, 0, 100).replace(/^\.\//, "") === name && (type === 0 || type === 0x30);
}

function textOf(header: Buffer, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString("latin1");
}

function sizeOf(header: Buffer): number {
  const digits = textOf(header, 124, 12).trim();
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  const told = Number.parseInt(textOf(header, 148, 8).trim(), 8);
  if (!/^[0-7]+$/.test(digits) || sum !== told) throw new Error("it is no tar archive");
  return Number.parseInt(digits, 8);
}

async function write(bytes: Blocks, size: number, path: string, mostBytes: number): Promise<void> {
  if (size > mostBytes) throw new Error(`its program has ${size} bytes, more than ${mostBytes}`);
  const file = await open(path, "wx", 0o755);
  try {
    await bytes.copy(size, file);
    // The folder is renamed next: a program that was only half on disk must not survive a power cut.
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reads a stream in pieces of a wanted length. */
class Blocks {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** `undefined` where the stream ends before the first byte. */
  async take(length: number): Promise<Buffer | undefined> {
    while (this.#rest.length < length) {
      const { value, done } = await this.#source.next();
      if (done) {
        if (this.#rest.length === 0) return undefined;
        throw new Error("it ends in the middle");
      }
      this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    }
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  async skip(length: number): Promise<void> {
    await this.copy(length);
  }

  async copy(length: number, file?: FileHandle): Promise<void> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#source.next();
        if (done) throw new Error("it ends in the middle");
        this.#rest = value;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      await file?.write(piece);
      left -= piece.length;
    }
  }
}
