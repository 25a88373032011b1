import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Name of the stage that holds nothing but the reports. */
export const REPORTS_STAGE = "belay-test-reports";

export interface ReportsDockerfile {
  /** The user's. */
  readonly dockerfile: string;
  /** Folder to write into. */
  readonly folder: string;
  readonly testTarget: string;
  /** Absolute, in the test stage. */
  readonly path: string;
}

/**
 * The user's Dockerfile with one more stage, of the reports alone: exporting the test stage would copy a whole system. It
 * stands behind everything, so that lines keep their numbers. @returns its path
 */
export async function writeReportsDockerfile({
  dockerfile,
  folder,
  testTarget,
  path,
}: ReportsDockerfile): Promise<string> {
  const text = await readFile(dockerfile, "utf8");
  const made = join(folder, "Dockerfile");
  const copy = `COPY --from=${testTarget} ${JSON.stringify([path, "/"])}`;
  await writeFile(made, `${text.replace(/\n*$/, "\n")}\nFROM scratch AS ${REPORTS_STAGE}\n${copy}\n`);
  // BuildKit takes the one beside the Dockerfile before the context's own.
  await copyFile(`${dockerfile}.dockerignore`, `${made}.dockerignore`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  return made;
}
