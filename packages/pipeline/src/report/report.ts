import { BelayError, type DeploymentReport, type FailureReport, messageOf, parseJson, readJobFile } from "@belay/core";
import type { PipelineContext } from "../run/context.ts";
import { githubOf } from "../run/github-of.ts";
import { reportPath } from "../run/places.ts";
import type { ReportInputs } from "../run/use-case-inputs.ts";
import { announce } from "./announce.ts";
import { deploymentStart } from "./deployment-start.ts";
import { REPORT_FORM } from "./report-form.ts";
import { reportFromLedger } from "./report-from-ledger.ts";

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
  inputs: ReportInputs,
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
  let value: unknown;
  try {
    value = parseJson(await readJobFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, messageOf(error));
  }
  const parsed = REPORT_FORM.safeParse(value);
  if (!parsed.success) throw unreadable(path, "it is no report of this version");
  return parsed.data as unknown as DeploymentReport | FailureReport;
}

function unreadable(path: string, got: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: `reading the report ${path}`,
    got,
    next: "Run the deploy step of the same version before.",
  });
}
