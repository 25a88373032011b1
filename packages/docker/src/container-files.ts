import { isNotFound } from "./engine-error.ts";
import type { CallOptions, EngineHttp } from "./engine-http.ts";
import { short } from "./short-id.ts";

/** A file as it is in a container, running or not. */
export interface ContainerFile {
  readonly bytes: Uint8Array;
  readonly uid: number;
  readonly gid: number;
  /** Permissions. */
  readonly mode: number;
}

const BLOCK = 512;

/**
 * Reads a file out of a container (`GET …/archive`). `undefined` when it is not there, is no plain file, or is larger than
 * `limit` bytes: what the engine sends beyond is not read.
 */
export async function readContainerFile(
  http: EngineHttp,
  id: string,
  path: string,
  limit: number,
  options: CallOptions = {},
): Promise<ContainerFile | undefined> {
  const doing = `reading ${path} in the container ${short(id)}`;
  try {
    const { response, socket } = await http.open({
      doing,
      path: archive(id),
      query: { path },
      lane: "slow",
      ...options,
    });
    try {
      const tar = await head(response as AsyncIterable<Buffer>, limit);
      return fileOf(tar, limit);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw await http.explain(error, doing, socket);
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Unpacks a tar archive at the root of a container that may be stopped. */
export async function unpackInContainer(
  http: EngineHttp,
  id: string,
  tar: Uint8Array,
  options: CallOptions = {},
): Promise<void> {
  const doing = `copying files into the container ${short(id)}`;
  await http.call({ doing, method: "PUT", path: archive(id), query: { path: "/" }, tar, ...options });
}

function archive(id: string): string {
  return `/containers/${encodeURIComponent(id)}/archive`;
}

async function head(stream: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit + 4 * BLOCK) break;
  }
  return Buffer.concat(chunks);
}

/** The first member of an archive (POSIX ustar). */
function fileOf(tar: Buffer, limit: number): ContainerFile | undefined {
  const octal = (from: number, to: number): number =>
    Number.parseInt(tar.toString("latin1", from, to).replaceAll("\0", " ").trim() || "0", 8);
  if (tar.length < BLOCK || !["0", "\0"].includes(tar.toString("latin1", 156, 157))) return undefined;
  const size = octal(124, 136);
  if (!(size <= limit) || tar.length < BLOCK + size) return undefined;
  const bytes = new Uint8Array(tar.subarray(BLOCK, BLOCK + size));
  return { bytes, uid: octal(108, 116), gid: octal(116, 124), mode: octal(100, 108) & 0o7777 };
}
