import { type DeploymentReport, messageOf } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import type { GitHubRun } from "../run/github-of.ts";
import { reportPath } from "../run/places.ts";
import type { DeployInputs } from "../run/use-case-inputs.ts";
import { announce, forgetReport } from "./announce.ts";
import { addStages } from "./stages.ts";
import { closing, type KnownFacts, withFailureReport } from "./with-failure-report.ts";

export interface Deployed {
  readonly report: DeploymentReport;
  /** The ledger was left without an end: the next run, or `reconcile`, puts the target right. */
  readonly leftOpen: boolean;
  readonly reportPath: string;
  readonly commentUrl?: string;
}

/** Runs a deployment or a rollback and tells GitHub of its end, where there is one. @throws what `work` throws. */
export async function withDeploymentReport(
  context: PipelineContext,
  inputs: DeployInputs,
  work: (facts: KnownFacts, run: GitHubRun | undefined) => Promise<DeploymentResult>,
): Promise<Deployed> {
  await forgetReport(context);
  const done = await withFailureReport(context, inputs, inputs.comment, async (facts, run) => {
    return { ...(await work(facts, run)), facts, run };
  });
  return {
    leftOpen: done.leftOpen,
    report: done.report,
    reportPath: reportPath(context),
    ...(await tell(context, inputs, done)),
  };
}

/** What happened on the target is known by now: no trouble with telling it changes the outcome. */
async function tell(
  context: PipelineContext,
  inputs: DeployInputs,
  { report, facts, run }: { report: DeploymentReport; facts: KnownFacts; run: GitHubRun | undefined },
): Promise<{ commentUrl?: string }> {
  try {
    const own = report.stages.filter((stage) => stage.name === "deploy");
    await addStages(context, own);
    const told = await announce(context, { report, run, comment: inputs.comment, ...(await closing(facts)) });
    return told.commentUrl === undefined ? {} : { commentUrl: told.commentUrl };
  } catch (error) {
    context.log.error(`The deployment ended as ${report.outcome}, but that could not be told: ${messageOf(error)}`);
    return {};
  }
}
