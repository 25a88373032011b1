import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** More nobody's steps have to tell one another, in bytes. */
const LARGEST = 16 * 1024 * 1024;

/**
 * The text of a file that an earlier step of the job left. In a job that unpacks what others made, it may be anything: a link
 * that leads elsewhere is not followed, nothing but a file is opened, and no more is read than `most` bytes.
 * @throws Error that says what is wrong with it; with `code` ENOENT when it is not there
 */
export async function readJobFile(path: string, most = LARGEST): Promise<string> {
  return (await readJobBytes(path, most)).toString("utf8");
}

/** The same for bytes. */
export async function readJobBytes(path: string, most = LARGEST): Promise<Buffer> {
  // A pipe would be waited for. Windows knows neither flag.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ELOOP" ? new Error(`${path} is a link, which is not followed`) : error;
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(`${path} is no file`);
    if (found.size > most) throw new Error(`${path} has ${found.size} bytes, at most ${most} are read`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
