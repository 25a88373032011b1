/**
 * Prints `N passed, N failed` from vitest's JSON report: what CI systems read.
 * Usage: closing-line.ts REPORT STATUS. A run that failed without a failed test (a broken suite) counts as one failure.
 */
import { readFile } from "node:fs/promises";

export interface TestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
}

export function closingLine(results: TestResults, status: number): string {
  const broken = status !== 0 && results.numFailedTests === 0 ? 1 : 0;
  return `${results.numPassedTests} passed, ${results.numFailedTests + broken} failed`;
}

if (import.meta.main) {
  const [path = "", status = "0"] = process.argv.slice(2);
  console.log(closingLine(JSON.parse(await readFile(path, "utf8")) as TestResults, Number(status)));
}
