import { type DeploymentReport, type FailureReport, redactDeep } from "@belay/core";
import { blocks, prose } from "./markdown.ts";
import type { RenderContext } from "./render-context.ts";
import { renderReport } from "./render-report.ts";

/** A summary may hold 1 MiB; its bytes are at most three per UTF-16 unit. */
const SUMMARY_LIMIT = 340_000;

/** The job's summary: as the comment, nothing folded, and what could not be told to GitHub. */
export function renderSummary(report: DeploymentReport | FailureReport, context: RenderContext): string {
  const notes = redactDeep(context.deferred ?? [], context.redactor).slice(0, 20);
  const told =
    notes.length === 0
      ? ""
      : `#### Not reported to GitHub\n\n${notes.map((note) => `- ${prose(note.slice(0, 500))}`).join("\n")}`;
  return blocks(renderReport(report, context, { limit: context.limit ?? SUMMARY_LIMIT, folded: false }), told);
}
