import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Trivy } from "../trivy/trivy.ts";
import { inTemporaryFolder } from "../trivy/unusable-folder.ts";

/** SARIF for code scanning, CycloneDX and SPDX as SBOMs, `github` for a dependency snapshot. */
export const REPORT_FORMATS = ["sarif", "cyclonedx", "spdx-json", "github"] as const;

export type ReportFormat = (typeof REPORT_FORMATS)[number];

const DEADLINE_MS = 120_000;

/** They tell what is in an image. */
const BILLS: readonly ReportFormat[] = ["cyclonedx", "spdx-json"];

/**
 * Another format of the same scan, without a second one: what Trivy makes of its own report. It holds all findings,
 * whatever the gate ignored; but a bill of materials has none, as when Trivy writes one itself: it is put beside the image,
 * for everybody who can read that.
 * @throws ScanError
 */
export async function convertReport(
  trivy: Trivy,
  json: string,
  format: ReportFormat,
  signal?: AbortSignal,
): Promise<string> {
  const doing = `writing the scan as ${format}`;
  return inTemporaryFolder("belay-convert-", doing, async (folder) => {
    await writeFile(join(folder, "report.json"), BILLS.includes(format) ? withoutVulnerabilities(json) : json);
    const args = ["convert", `--format=${format}`, "--output=converted", "report.json"];
    const call = { doing, cwd: folder, deadlineMs: DEADLINE_MS };
    await trivy.run(args, { ...call, ...(signal === undefined ? {} : { signal }) });
    return await readFile(join(folder, "converted"), "utf8");
  });
}

/** What is no report is Trivy's to refuse. */
function withoutVulnerabilities(json: string): string {
  let report: { readonly Results?: readonly Readonly<Record<string, unknown>>[] | null };
  try {
    report = JSON.parse(json);
  } catch {
    return json;
  }
  const results = report.Results?.map(({ Vulnerabilities: _left, ...kept }) => kept);
  return JSON.stringify(results === undefined ? report : { ...report, Results: results });
}
