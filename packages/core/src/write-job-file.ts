import { constants } from "node:fs";
import { writeFile } from "node:fs/promises";

const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
/** Nobody waits for a pipe's reader. Windows knows neither flag. */
const FLAGS = O_WRONLY | O_CREAT | O_TRUNC | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Writes a file for later steps of the job, over what is there: not through a link that somebody's artifact put in its place.
 * @throws Error that says what is wrong
 */
export async function writeJobFile(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: FLAGS }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ELOOP" ? new Error(`${path} is a link, which is not followed`, { cause: error }) : error;
  });
}
