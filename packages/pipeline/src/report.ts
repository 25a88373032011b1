import { readFile } from "node:fs/promises";
import { BelayError, type DeploymentReport, type FailureReport, isOutcome, messageOf } from "@belay/core";
import { announce } from "./announce.ts";
import type { PipelineContext } from "./context.ts";
import { deploymentStart } from "./deployment-start.ts";
import { githubOf } from "./github-of.ts";
import { reportPath } from "./places.ts";
import { reportFromLedger } from "./report-from-ledger.ts";
import type { DeployInputs } from "./use-case-inputs.ts";

/** What was told, and where. */
export type Told = { readonly commentUrl?: string } & (
  | { readonly kind: "deployment"; readonly report: DeploymentReport }
  | { readonly kind: "failure"; readonly report: FailureReport }
  | { readonly kind: "nothing" }
);

/**
 * Tells the pull request what happened: from the report that an earlier step of this job left, or, when a step died
 * before it could write one, from the target's own ledger (`ledger` looks there only). Says so when there is nothing to tell.
 */
export async function report(
  context: PipelineContext,
  inputs: DeployInputs,
  from: "newest" | "ledger" = "newest",
): Promise<Told> {
  const run = await githubOf(context, inputs);
  const saved = from === "ledger" ? undefined : await readReport(context);
  const read = saved === undefined ? await reportFromLedger(context, inputs) : undefined;
  const known = saved ?? read?.report;
  if (known === undefined) {
    context.log.info(
      "There is nothing to report: no step left a report, and the ledger has no deployment of this run.",
    );
    return { kind: "nothing" };
  }
  const start =
    run === undefined || read === undefined ? undefined : deploymentStart(read.settings, read.report.release, run);
  const summary = saved === undefined;
  const told = await announce(context, {
    report: known,
    run,
    comment: inputs.comment,
    summary,
    ...(start === undefined ? {} : { start }),
  });
  const where = told.commentUrl === undefined ? {} : { commentUrl: told.commentUrl };
  return "outcome" in known
    ? { kind: "deployment", report: known, ...where }
    : { kind: "failure", report: known, ...where };
}

async function readReport(context: PipelineContext): Promise<DeploymentReport | FailureReport | undefined> {
  const path = reportPath(context);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, messageOf(error));
  }
  return parseReport(path, text);
}

function parseReport(path: string, text: string): DeploymentReport | FailureReport {
  let value: Partial<DeploymentReport & FailureReport> | null;
  try {
    value = JSON.parse(text) as Partial<DeploymentReport & FailureReport> | null;
  } catch (error) {
    throw unreadable(path, messageOf(error));
  }
  const complete = typeof value?.application === "string" && Array.isArray(value.stages);
  if (complete && typeof value?.outcome === "string" && isOutcome(value.outcome)) return value as DeploymentReport;
  if (complete && typeof value?.reason === "string") return value as FailureReport;
  throw unreadable(path, "it is no report of this version");
}

function unreadable(path: string, got: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: `reading the report ${path}`,
    got,
    next: "Run the deploy step of the same version before.",
  });
}
