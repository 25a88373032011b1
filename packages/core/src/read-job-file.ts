import { constants } from "node:fs";
import { type FileHandle, lstat, open, realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

/** More nobody's steps have to tell one another, in bytes. */
const LARGEST = 16 * 1024 * 1024;
/** How much of a file is asked for at a time, in bytes. */
const PIECE = 1024 * 1024;

// A pipe would be waited for. Windows knows neither flag.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The text of a file that an earlier step of the job left. In a job that unpacks what others made, it may be anything: a link
 * that leads out of `base` is not followed, nor is one in the place of a folder below it; nothing but a file is opened, and
 * no more is read than `most` bytes, also of one that grows. Default for `base`: the file's folder.
 * @throws Error that says what is wrong with it; with `code` ENOENT when it is not there
 */
export async function readJobFile(path: string, most = LARGEST, base = dirname(path)): Promise<string> {
  return (await readJobBytes(path, most, base)).toString("utf8");
}

/** The same for bytes. */
export async function readJobBytes(path: string, most = LARGEST, base = dirname(path)): Promise<Buffer> {
  await refuseLinkedFolders(base, path);
  const handle = await open(path, FLAGS).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ELOOP") throw error;
    return await open(await followWithin(base, path), FLAGS);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(`${path} is no file`);
    if (found.size > most) throw new Error(`${path} has ${found.size} bytes, at most ${most} are read`);
    const bytes = await readAtMost(handle, most + 1);
    if (bytes.length > most) throw new Error(`${path} has more than the ${most} bytes that are read at most`);
    return bytes;
  } finally {
    await handle.close();
  }
}

/**
 * Holds that no folder on the way from `base` to the file is a link. `base` itself may be one, as a runner's folder is.
 * @throws Error that names the link; with `code` ENOENT when a folder is not there
 */
export async function refuseLinkedFolders(base: string, file: string): Promise<void> {
  let folder = base;
  for (const name of relative(base, dirname(file)).split(sep)) {
    if (name === "") continue;
    folder = join(folder, name);
    if ((await lstat(folder)).isSymbolicLink()) throw isLink(folder);
  }
}

/**
 * What the link leads to, if that is below `base` too: a volume of a ConfigMap or Secret has each of its files as a link into a
 * folder beside it (https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically).
 */
async function followWithin(base: string, path: string): Promise<string> {
  const target = await realpath(path).catch(() => undefined);
  if (target === undefined || relative(await realpath(base), target).split(sep)[0] === "..") throw isLink(path);
  return target;
}

async function readAtMost(handle: FileHandle, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  // `end` is counted in.
  const stream = handle.createReadStream({ end: length - 1, highWaterMark: PIECE, autoClose: false });
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function isLink(path: string): Error {
  return new Error(`${path} is a link, which is not followed`);
}
