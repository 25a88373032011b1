import { stat } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { BelayError, type Log, oneLine, tail } from "@belay/core";
import type { FailedTest } from "./parse-junit.ts";
import type { TestReports } from "./read-reports.ts";

export interface ToldReports {
  readonly service: string;
  readonly reports: TestReports;
  /** Folder in which the sources of the tests are looked for. */
  readonly context: string;
  /** Folder that file names in annotations are relative to: the repository's. */
  readonly rootOf: () => Promise<string>;
  readonly log: Log;
}

/** GitHub shows ten errors of a step, and its last one says how the step ended. */
const ANNOTATED = 9;
const LISTED = 20;

/**
 * Says what the reports hold, and annotates the tests that failed where they stand.
 * @throws BelayError TESTS_FAILED when one failed, or the program of the tests ended with another code than 0
 */
export async function tellReports({ service, reports, context, rootOf, log }: ToldReports): Promise<void> {
  const { tests, failed, skipped, failures, exitCode = 0 } = reports;
  log.info(`Tests of ${service}: ${tests - failed - skipped} passed, ${failed} failed, ${skipped} skipped.`);
  if (failed === 0 && exitCode === 0) return;
  const root = await rootOf();
  for (const one of failures.slice(0, ANNOTATED)) {
    const place = await placeOf(one, context, root);
    const title = `Test of ${service} failed: ${oneLine(one.name, 120)}`;
    log.error([titleOf(one), ...tail(one.message, 12)].join("\n"), { title, ...place });
  }
  const lines = failures.slice(0, LISTED).map((one) => `${titleOf(one)}: ${oneLine(one.message, 200)}`);
  const more = failures.length > LISTED ? [`and ${failures.length - LISTED} more`] : [];
  const ended = exitCode === 0 ? "" : `, and their program ended with exit code ${exitCode}`;
  throw new BelayError("TESTS_FAILED", {
    doing: `testing ${service}`,
    got: [`${failed} of ${tests} tests failed${ended}`, ...lines, ...more, ""].join("\n"),
  });
}

function titleOf({ name, suite }: FailedTest): string {
  return oneLine(suite === undefined || name.startsWith(suite) ? name : `${suite} › ${name}`, 200);
}

async function placeOf(test: FailedTest, context: string, root: string): Promise<{ file?: string; line?: number }> {
  for (const { file, line } of mentions(test)) {
    const found = await findSource(file, context);
    const path = found === undefined ? ".." : relative(root, found);
    if (path.startsWith("..") || isAbsolute(path)) continue;
    return { file: path.replaceAll(sep, "/"), ...(line === undefined ? {} : { line }) };
  }
  return {};
}

interface Mention {
  readonly file: string;
  readonly line?: number;
}

/** What the report calls a file, then whatever a stack trace shows, the innermost first. */
function mentions({ file, line, suite, message }: FailedTest): Mention[] {
  const found = [...message.slice(0, 20_000).matchAll(/([\w@./-]{1,200}\.\w{1,8})[:(](\d{1,7})\b/g)].slice(0, 20);
  const traced = found.map(([, path = "", at]) => ({ file: path, line: Number(at) }));
  const named = file ?? (suite !== undefined && /^[^\s:]+\.\w{1,8}$/.test(suite) ? suite : undefined);
  if (named === undefined) return traced;
  // A trace that comes by the test's own file knows the line.
  const own = traced.find((one) => one.file.endsWith(named) || named.endsWith(one.file));
  return [
    { file: named, ...(line === undefined ? (own === undefined ? {} : { line: own.line }) : { line }) },
    ...traced,
  ];
}

/** In the image the sources are elsewhere (`/app/src/x.test.ts`): the longest end of the path that is a file here. */
async function findSource(path: string, context: string): Promise<string | undefined> {
  const parts = path.split(/[\\/]/).filter((part) => part !== "" && part !== "." && part !== "..");
  for (let from = Math.max(0, parts.length - 12); from < parts.length; from++) {
    const file = join(context, ...parts.slice(from));
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile()) return file;
  }
  return undefined;
}
