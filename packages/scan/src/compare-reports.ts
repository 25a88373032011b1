import { type Finding, findingKey } from "./finding.ts";
import type { ScanReport } from "./scan-report.ts";

/** What a change brings in and takes away, each finding once ({@link findingKey}). */
export interface Comparison {
  readonly introduced: readonly Finding[];
  readonly fixed: readonly Finding[];
  readonly unchanged: readonly Finding[];
}

/**
 * Compares the scans of an image with those of the image that runs, all platforms of each together.
 * Gives the reason instead when they say nothing about the change: another database or another Trivy finds other things
 * in the same image.
 */
export function compareReports(now: readonly ScanReport[], before: readonly ScanReport[]): Comparison | string {
  const objection = whyNotComparable([...now, ...before]);
  if (objection !== undefined) return objection;
  const [here, there] = [byKey(now), byKey(before)];
  const of = (from: ReadonlyMap<string, Finding>, wanted: (key: string) => boolean): Finding[] =>
    [...from].filter(([key]) => wanted(key)).map(([, finding]) => finding);
  return {
    introduced: of(here, (key) => !there.has(key)),
    fixed: of(there, (key) => !here.has(key)),
    unchanged: of(here, (key) => there.has(key)),
  };
}

function whyNotComparable(reports: readonly ScanReport[]): string | undefined {
  const databases = new Set(reports.map(({ database }) => database && `${database.schema} of ${database.updatedAt}`));
  if (databases.has(undefined)) return "the database that one of them was scanned with is unknown";
  if (databases.size > 1) return `they were scanned with different databases (${[...databases].join(", ")})`;
  const versions = new Set(reports.map((report) => report.trivyVersion ?? "unknown"));
  if (versions.size > 1) return `they were scanned by different versions of Trivy (${[...versions].join(", ")})`;
  return undefined;
}

function byKey(reports: readonly ScanReport[]): ReadonlyMap<string, Finding> {
  const found = new Map<string, Finding>();
  for (const finding of reports.flatMap((report) => report.findings)) {
    const key = findingKey(finding);
    if (!found.has(key)) found.set(key, finding);
  }
  return found;
}
