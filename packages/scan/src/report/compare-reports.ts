import { type Finding, findingKey, isCounted } from "./finding.ts";
import type { ScanReport } from "./scan-report.ts";

/** What a change brings in and takes away, each finding once ({@link findingKey}). */
export interface Comparison {
  readonly introduced: readonly Finding[];
  readonly fixed: readonly Finding[];
  readonly unchanged: readonly Finding[];
  /** Of the introduced, each: the image that runs has some in the same file, but fewer. Which are new, nobody can tell. */
  readonly grown: readonly Finding[];
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
  const isNew = (key: string): boolean => (here.get(key)?.most ?? 0) > (there.get(key)?.most ?? 0);
  const of = (from: ReadonlyMap<string, Same>, wanted: (key: string) => boolean): Finding[] =>
    [...from].filter(([key]) => wanted(key)).map(([, { first }]) => first);
  return {
    introduced: of(here, isNew),
    fixed: of(there, (key) => !here.has(key)),
    unchanged: of(here, (key) => !isNew(key)),
    grown: now
      .flatMap((report) => report.findings)
      .filter((finding) => isNew(findingKey(finding)) && there.has(findingKey(finding))),
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

/** Findings of one key. */
interface Same {
  readonly first: Finding;
  /** How many one platform has at most: all platforms together have each of them several times. */
  readonly most: number;
}

function byKey(reports: readonly ScanReport[]): ReadonlyMap<string, Same> {
  const found = new Map<string, Same>();
  for (const { findings } of reports) {
    for (const [key, all] of Map.groupBy(findings, findingKey)) {
      const [first] = all as [Finding];
      const most = isCounted(first) ? all.length : 1;
      const other = found.get(key);
      found.set(key, { first: other?.first ?? first, most: Math.max(most, other?.most ?? 0) });
    }
  }
  return found;
}
