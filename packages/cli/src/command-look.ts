import type { Inputs } from "@belay/core";
import { OUTCOMES } from "@belay/core";
import { renderPlan } from "@belay/github";
import {
  type EnvironmentStatus,
  holderName,
  loadCommonInputs,
  type PipelineContext,
  plan,
  status,
} from "@belay/pipeline";
import { type HistoryEntry, planJson, printPlan } from "@belay/rollout";
import { ledgerLine } from "./ledger-line.ts";
import type { CommandResult } from "./run-command.ts";
import { serviceLines } from "./service-lines.ts";
import { alignColumns, wholeSeconds } from "./service-table.ts";

/** Exit code 3 when a deployment would be refused. */
export async function runPlan(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const made = await plan(context, loadCommonInputs(inputs));
  const refused = made.findings.some((finding) => finding.level === "refuse");
  const exitCode = refused ? OUTCOMES.refused.exitCode : 0;
  return {
    text: `${inputs.boolean("markdown") ? renderPlan(made, { redactor: context.redactor }) : printPlan(made)}\n`,
    json: { outcome: refused ? "refused" : "succeeded", cause: null, plan: planJson(made) },
    exitCode,
  };
}

export async function runStatus(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const found = await status(context, loadCommonInputs(inputs));
  return { text: statusText(found), json: statusJson(found), exitCode: 0 };
}

function statusJson(found: EnvironmentStatus): object {
  const { should, running, ...rest } = found;
  return {
    outcome: "succeeded",
    cause: null,
    release: should?.release?.digest ?? null,
    deployment: should?.deployment ?? null,
    ...rest,
    should,
    services: running,
  };
}

function statusText(found: EnvironmentStatus): string {
  const advice = found.advice.flatMap(({ title, command }) => ["", `${title}:`, command]);
  return [
    `${found.application} on ${found.environment}`,
    ledgerLine(found),
    "",
    ...found.running.flatMap((service) => [...serviceLines(service), ""]),
    ...found.missing.flatMap(({ service, message }) => [`${service}  drift: ${message}`, ""]),
    ...historyLines(found.history),
    ...advice,
    "",
  ].join("\n");
}

function historyLines(entries: readonly HistoryEntry[]): string[] {
  if (entries.length === 0) return [];
  const rows = entries
    .slice(0, 10)
    .map((entry) => [
      String(entry.deployment),
      outcomeWords(entry),
      entry.end?.cause?.cause ?? "",
      entry.begin?.release?.source.revision.slice(0, 12) ?? "",
      entry.begin?.rollback?.by ?? holderName(entry.begin?.holder),
      wholeSeconds(entry.begin?.beganAt ?? ""),
    ]);
  return [alignColumns([["DEPLOYMENT", "OUTCOME", "CAUSE", "COMMIT", "BY", "BEGAN"], ...rows])];
}

/** `succeeded (rolled back to 12)`: what a rollback by hand went back to stands beside how it ended. */
function outcomeWords({ begin, end, open }: HistoryEntry): string {
  const outcome = end?.outcome ?? (open ? "open" : "unknown");
  return begin?.rollback === undefined ? outcome : `${outcome} (rolled back to ${begin.rollback.to})`;
}
