import type { Inputs } from "@belay/core";
import { OUTCOMES } from "@belay/core";
import { type EnvironmentStatus, loadCommonInputs, type PipelineContext, plan, status } from "@belay/pipeline";
import { type HistoryEntry, planJson, printPlan } from "@belay/rollout";
import { ledgerLine } from "./ledger-line.ts";
import type { CommandResult } from "./run-command.ts";
import { alignColumns, serviceTable, wholeSeconds } from "./service-table.ts";

/** Exit code 3 when a deployment would be refused. */
export async function runPlan(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const made = await plan(context, loadCommonInputs(inputs));
  const refused = made.findings.some((finding) => finding.level === "refuse");
  const exitCode = refused ? OUTCOMES.refused.exitCode : 0;
  return {
    text: `${printPlan(made)}\n`,
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
    serviceTable(found.running),
    "",
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
      entry.end?.outcome ?? "open",
      entry.end?.cause?.cause ?? "",
      entry.begin?.release?.source.revision.slice(0, 12) ?? "",
      holderName(entry.begin?.holder),
      wholeSeconds(entry.begin?.beganAt ?? ""),
    ]);
  return [alignColumns([["DEPLOYMENT", "OUTCOME", "CAUSE", "COMMIT", "BY", "BEGAN"], ...rows])];
}

/** The run of GitHub Actions (run names begin with its id), else the host. */
function holderName(holder: { readonly run: string; readonly host: string } | undefined): string {
  if (holder === undefined) return "unknown";
  const id = /^\d+(?=\.|$)/.exec(holder.run)?.[0];
  return id === undefined ? holder.host : `run ${id}`;
}
