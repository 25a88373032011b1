import type { DeploymentReport, FailureReport } from "@belay/core";
import type { RenderContext } from "./render-context.ts";
import { renderReport } from "./render-report.ts";

/** Room for the marker, which `upsertComment` puts in front. */
const COMMENT_LIMIT = 65_000;

/**
 * The pull request's comment (without its hidden marker): headline and cause first, then the evidence, the table of
 * environments, what runs now, and folded the rest. When it gets too long, evidence goes first and the headline never.
 */
export function renderComment(report: DeploymentReport | FailureReport, context: RenderContext): string {
  return renderReport(report, context, { limit: context.limit ?? COMMENT_LIMIT, folded: true });
}
