import { readFile, writeFile } from "node:fs/promises";
import { messageOf, type Platform } from "@belay/core";
import { trivysOwnDatabase } from "../database/database-files.ts";
import { maskReport } from "../report/mask-report.ts";
import { parseReport } from "../report/parse-report.ts";
import type { DatabaseVersion, ScanReport } from "../report/scan-report.ts";
import { type ScanScope, scopeFileOf } from "../report/scan-scope.ts";
import { checkIdentity } from "../scan/check-identity.ts";
import { ScanError } from "../trivy/could-not-scan.ts";
import type { DatabaseKind } from "../trivy/image-arguments.ts";

export interface ExpectedReport {
  readonly path: string;
  readonly platform?: Platform;
}

/**
 * Beside a report that another program wrote: which database it was made with, as {@link DatabaseVersion} in JSON; its member
 * `java` tells the same of the one that names Java archives.
 */
export function databaseFileOf(reportPath: string): string {
  return `${reportPath.replace(/\.json$/, "")}.database.json`;
}

/**
 * Looks whether Trivy has written what it was asked for: every report there, readable, and of the platform wanted. Takes out
 * of each what it copied from the image, as of Belay's own scans ({@link maskReport}), and writes beside it what was looked for,
 * and which database Trivy's cache has: its report tells neither.
 * @throws ScanError
 */
export async function collectReports(
  wanted: readonly ExpectedReport[],
  cache: string,
  scope: ScanScope,
): Promise<readonly ScanReport[]> {
  const reports: ScanReport[] = [];
  const sought = scope.scanners.includes("vuln");
  const database = sought ? await databaseOf(cache, "vulnerabilities") : undefined;
  const java = sought ? await databaseOf(cache, "java") : undefined;
  const masked: string[] = [];
  // All of them first: whatever is wrong with one, none lies there with what it copied from the image.
  for (const { path, platform } of wanted) {
    const doing = doingWith(platform);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      const next = "Trivy failed: its words are in the log of its step.";
      throw new ScanError("scanner_failed", { doing, got: messageOf(error), next, cause: error });
    });
    const json = maskReport(text);
    await writeFile(path, json);
    masked.push(json);
  }
  for (const [index, { path, platform }] of wanted.entries()) {
    const report = { ...parseReport(masked[index] ?? "", database), scope };
    checkIdentity(report, { ...(platform === undefined ? {} : { platform }) }, doingWith(platform));
    await writeFile(scopeFileOf(path), JSON.stringify(scope));
    if (database !== undefined) await writeFile(databaseFileOf(path), JSON.stringify({ ...database, java }));
    reports.push(report);
  }
  return reports;
}

function doingWith(platform: string | undefined): string {
  return `reading the report${platform === undefined ? "" : ` of ${platform}`}`;
}

async function databaseOf(cache: string, kind: DatabaseKind): Promise<DatabaseVersion | undefined> {
  const found = await trivysOwnDatabase(cache, kind);
  return found && { schema: found.schema, updatedAt: found.updatedAt };
}
