/**
 * Reads vitest's JSON reports of one run in CI, the later attempts last.
 * Usage: test-results.ts failed REPORT           the files that failed, one per line, relative to the project
 *        test-results.ts closing STATUS REPORT…  `N passed, N failed`: what CI systems read
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { relative } from "node:path";

/** The parts of vitest's JSON report (its reporter `json`) that are read here. */
export interface TestReport {
  readonly testResults: readonly TestFile[];
}

export interface TestFile {
  /** Absolute path. A file that two projects run is in the report twice. */
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

/** Files with a failed test, or that could not be run at all. */
export function failedFiles(report: TestReport): string[] {
  return [...new Set(report.testResults.filter((file) => file.status === "failed").map((file) => file.name))];
}

/**
 * A file of a later attempt takes the place of the same file of an earlier one. A file that failed without a failed test (its
 * set-up broke), and a run that failed without a failed file, count as one failure each.
 */
export function closingLine(reports: readonly TestReport[], status: number): string {
  const files = reports.reduce<readonly TestFile[]>((earlier, { testResults }) => {
    const again = new Set(testResults.map((file) => file.name));
    return [...earlier.filter((file) => !again.has(file.name)), ...testResults];
  }, []);
  const count = (file: TestFile, is: string) => file.assertionResults.filter((one) => one.status === is).length;
  const passed = files.reduce((sum, file) => sum + count(file, "passed"), 0);
  const failures = (file: TestFile) => Math.max(count(file, "failed"), file.status === "failed" ? 1 : 0);
  const failed = files.reduce((sum, file) => sum + failures(file), 0);
  return `${passed} passed, ${failed === 0 && status !== 0 ? 1 : failed} failed`;
}

const read = async (path: string) => JSON.parse(await readFile(path, "utf8")) as TestReport;

if (import.meta.main) {
  const [command, ...words] = process.argv.slice(2);
  if (command === "failed") {
    const root = process.cwd();
    for (const file of failedFiles(await read(words[0] ?? ""))) console.log(relative(root, file));
  } else {
    const [status, ...paths] = words;
    console.log(closingLine(await Promise.all(paths.filter(existsSync).map(read)), Number(status)));
  }
}
