import { type Redactor, redactDeep, type ScanSummary } from "@belay/core";
import { blocks } from "./markdown.ts";
import { RENDER_LEVELS, type RenderLevel } from "./render-level.ts";
import { renderScanSummary } from "./render-scan-summary.ts";

/** The scan alone, for the summary of a job that goes no further. */
export function renderScanPage(scan: ScanSummary, redactor: Redactor): string {
  const [level] = RENDER_LEVELS;
  return blocks("### Scan", renderScanSummary(redactDeep(scan, redactor), level as RenderLevel, false));
}
