import {
  type DeploymentReport,
  doneServices,
  explainCause,
  formatDuration,
  headlineOf,
  type Inputs,
  OUTCOMES,
} from "@belay/core";
import {
  build,
  type Deployed,
  deploy,
  loadCommonInputs,
  loadDeployInputs,
  loadPipelineInputs,
  loadReportInputs,
  loadRollbackInputs,
  loadSignInputs,
  type PipelineContext,
  push,
  reconcile,
  report,
  rollback,
  scan,
  sign,
  type Told,
} from "@belay/pipeline";
import type { CommandResult } from "./run-command.ts";
import { serviceTable } from "./service-table.ts";
import { tellRecovery } from "./tell-recovery.ts";
import type { View } from "./view.ts";

export async function runDeploy(context: PipelineContext, inputs: Inputs, view: View): Promise<CommandResult> {
  return ofDeployment(await deploy(context, loadDeployInputs(inputs), { onEvent: view.onEvent }));
}

export async function runRollback(context: PipelineContext, inputs: Inputs, view: View): Promise<CommandResult> {
  return ofDeployment(await rollback(context, loadRollbackInputs(inputs), { onEvent: view.onEvent }));
}

/** The whole way. A failure before the deployment is told to the pull request too. */
export async function runAll(context: PipelineContext, inputs: Inputs, view: View): Promise<CommandResult> {
  const given = loadPipelineInputs(inputs);
  const signing = loadSignInputs(inputs);
  try {
    await build(context, given);
    await scan(context, given);
    await push(context, given);
    if (signing.wanted) await sign(context, signing);
    return ofDeployment(await deploy(context, given, { onEvent: view.onEvent }));
  } catch (error) {
    await report(context, given);
    throw error;
  }
}

export async function runReport(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const given = loadReportInputs(inputs);
  const told = await report(context, given);
  const text = told.commentUrl ?? `No comment was written: ${whyNoComment(context, given.comment, told.kind)}.`;
  return { text: `${text}\n`, json: { outcome: "succeeded", cause: null, ...told }, exitCode: 0 };
}

/** The likeliest reason from what is known here; what GitHub itself refused stands in the job's summary. */
function whyNoComment({ env }: PipelineContext, comment: boolean, kind: Told["kind"]): string {
  if (kind === "nothing") return "there is nothing to report";
  if (env.GITHUB_ACTIONS !== "true")
    return "this is no run of GitHub Actions, and only there the pull request is known";
  if (!comment) return "it is switched off (`comment`)";
  return "the commit has no pull request, or GitHub did not take it (then the job's summary says why)";
}

export async function runReconcile(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const result = await reconcile(context, loadCommonInputs(inputs));
  const outcome = result.outcome ?? "unchanged";
  const exitCode = result.kind === "recovered" && outcome !== "rolled_back" ? OUTCOMES[outcome].exitCode : 0;
  return { text: `${tellRecovery(result)}\n`, json: { ...result, outcome }, exitCode };
}

function ofDeployment(deployed: Deployed): CommandResult {
  const { report } = deployed;
  return { text: deploymentText(report), json: deploymentJson(report), exitCode: OUTCOMES[report.outcome].exitCode };
}

/** The contract of `--json`: these keys stay. */
function deploymentJson(report: DeploymentReport): object {
  const { outcome, cause, release, rollback, deployment, running, findings, durationMs, restoreMs } = report;
  const { supersededBy } = report;
  return {
    outcome,
    cause: cause ?? null,
    release: release.digest,
    deployment: deployment ?? null,
    rollback: rollback ?? null,
    supersededBy: supersededBy ?? null,
    services: running,
    findings,
    durationMs,
    restoreMs: restoreMs ?? null,
  };
}

function deploymentText(report: DeploymentReport): string {
  const number =
    report.deployment === undefined ? "" : ` (deployment ${report.deployment}, ${formatDuration(report.durationMs)})`;
  const lines = [`${report.application} on ${report.environment}: ${headlineOf(report)}${number}`];
  if (report.cause !== undefined) lines.push(`Cause: ${explainCause(report.cause)}.`);
  if (report.likelyCause !== undefined) lines.push(`Most likely: ${report.likelyCause}`);
  for (const finding of report.findings.filter((one) => one.level !== "cannot tell")) {
    lines.push(`${finding.level}: ${finding.message}${finding.remedy === undefined ? "" : ` ${finding.remedy}`}`);
  }
  const table = serviceTable(report.running, doneServices(report));
  return [...lines, ...evidenceLines(report.evidence), "", table, ""].join("\n");
}

/** What the first instance said; the others most often say the same. */
function evidenceLines([first, ...others]: DeploymentReport["evidence"]): string[] {
  if (first === undefined) return [];
  const code = first.exitCode === undefined ? "" : `, exit code ${first.exitCode}`;
  const more = others.length === 0 ? [] : [`There is evidence of ${others.map((one) => one.instance).join(", ")} too.`];
  return [
    `Last lines of ${first.instance}${code}:`,
    ...first.logLines.slice(-10).map((line) => `  | ${line}`),
    ...more,
  ];
}
