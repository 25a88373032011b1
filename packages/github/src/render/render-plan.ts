import { describeUndo, type Plan, type Redactor, redactDeep, type ServiceChange } from "@belay/core";
import { cutMarkdown } from "./cut-markdown.ts";
import { blocks, code, details, prose } from "./markdown.ts";
import { renderChanges, renderFindings, renderNotCovered, renderOthers } from "./render-facts.ts";
import { RENDER_LEVELS, type RenderLevel } from "./render-level.ts";

const PLAN_LIMIT = 65_000;

/** What a deployment would change, what the checks found, and what the way back would not cover. */
export function renderPlan(plan: Plan, options: { readonly redactor: Redactor; readonly limit?: number }): string {
  const { detail: _engineOnly, ...shown } = plan;
  const safe = redactDeep(shown, options.redactor);
  const limit = options.limit ?? PLAN_LIMIT;
  let text = "";
  for (const level of RENDER_LEVELS) {
    text = renderAt(safe, level);
    if (text.length <= limit) return text;
  }
  return cutMarkdown(text, limit);
}

function renderAt(plan: Omit<Plan, "detail">, level: RenderLevel): string {
  const { scope, findings, notCovered } = plan;
  const changed = plan.services.filter((service) => service.action !== "unchanged");
  const unchanged = plan.services.filter((service) => service.action === "unchanged").slice(0, level.rows);
  return blocks(
    `### Plan: ${prose(scope.application)} → ${prose(scope.environment)}`,
    verdict(plan, changed.length),
    renderFindings(findings, level),
    renderChanges(changed, level),
    renderOthers(plan.others, level),
    unchanged.length === 0 ? "" : `Unchanged: ${unchanged.map((service) => code(service.service)).join(", ")}.`,
    changed.length === 0 ? "" : details("If it fails", renderUndo(changed, plan.keepsFailed)),
    notCovered.length === 0 ? "" : details("Not covered by the way back", renderNotCovered(notCovered)),
    `<sub>${scope.target} · ${prose(scope.project)} · nothing was touched · Belay Deploy</sub>`,
  );
}

/** How each change would be undone. */
function renderUndo(changed: readonly ServiceChange[], kept = false): string {
  const lines = changed.map((change) => `- ${code(change.service)} ${prose(describeUndo(change, kept) ?? "")}`);
  const together = kept || changed.length < 2 ? "" : "All of them go back together when one fails.";
  return blocks(lines.join("\n"), together);
}

function verdict(plan: Omit<Plan, "detail">, changed: number): string {
  const refusals = plan.findings.filter((finding) => finding.level === "refuse").length;
  if (refusals > 0) return `**This would be refused** (${refusals} ${refusals === 1 ? "finding" : "findings"}).`;
  const { services, others = [] } = plan;
  if (changed + others.length === 0) return "Nothing would change: what runs is what the release wants.";
  const besides =
    others.length === 0 ? "" : `, and ${others.length} ${others.length === 1 ? "object" : "objects"} besides`;
  return `${changed} of ${services.length} ${services.length === 1 ? "service" : "services"} would change${besides}.`;
}
