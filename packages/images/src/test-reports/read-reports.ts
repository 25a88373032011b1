import { constants } from "node:fs";
import { glob, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, type TestCounts, truncate } from "@belay/core";
import type { FailedTest } from "./parse-junit.ts";

export interface TestReports extends TestCounts {
  readonly failures: readonly FailedTest[];
  /** What the tests' program ended with, where the stage kept it in a file `exit-code`. */
  readonly exitCode?: number;
}

const MOST_FILES = 500;
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Reads every JUnit file (`*.xml`) below a folder, or the files of a pattern. What can't be read is told and left out. Links
 * are not followed, and only regular files are read: who writes reports does not choose what this process reads or waits for.
 */
export async function readReports(path: string, warn: (message: string) => void): Promise<TestReports> {
  const { parseJunit } = await import("./parse-junit.ts");
  const files = await filesOf(path);
  if (files.length > MOST_FILES) warn(`only ${MOST_FILES} of ${files.length} test reports in ${path} are read`);
  const reports: TestReports[] = [];
  for (const file of files.slice(0, MOST_FILES)) {
    try {
      const { tests, skipped, durationMs, failures } = parseJunit(await readPlain(file));
      reports.push({ tests, skipped, durationMs, failures, failed: failures.length });
    } catch (error) {
      warn(`the test report ${file} can't be read: ${truncate(messageOf(error), 300)}`);
    }
  }
  const sum = (of: (report: TestReports) => number): number => reports.reduce((total, one) => total + of(one), 0);
  const exitCode = await exitCodeIn(path);
  return {
    tests: sum(({ tests }) => tests),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    durationMs: sum(({ durationMs }) => durationMs),
    failures: reports.flatMap(({ failures }) => failures),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

async function filesOf(path: string): Promise<string[]> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile()) return [path];
  if (found?.isDirectory()) return below(path, (name) => /\.xml$/i.test(name));
  const files: string[] = [];
  for await (const file of glob(path)) files.push(file);
  return files.sort();
}

async function below(folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && wanted(entry.name));
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

async function readPlain(file: string): Promise<string> {
  // A pipe that nobody writes to would be waited for without O_NONBLOCK; Windows has neither flag.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(file, flags);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error("it is no regular file");
    if (found.size > MOST_BYTES) throw new Error(`it has ${found.size} bytes, and ${MOST_BYTES} are read at most`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** The greatest of them: a stage of several platforms has one for each. */
async function exitCodeIn(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return undefined;
  const codes: number[] = [];
  for (const file of await below(path, (name) => name === "exit-code")) {
    const code = Number((await readPlain(file)).trim());
    codes.push(Number.isInteger(code) ? code : 1);
  }
  return codes.length === 0 ? undefined : Math.max(...codes);
}
