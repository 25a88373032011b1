import type { Settings } from "@belay/config";
import { type DeploymentReport, messageOf, type Release, releaseDigest, type Source } from "@belay/core";
import { type DeploymentResult, type RolloutEvent, deploy as rollOut } from "@belay/rollout";
import { announce, forgetReport } from "./announce.ts";
import type { PipelineContext } from "./context.ts";
import { deploymentStart } from "./deployment-start.ts";
import { eventTeller } from "./event-line.ts";
import { type GitHubRun, isOverOf } from "./github-of.ts";
import { isOlder } from "./is-older.ts";
import { reportPath } from "./places.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";
import { settingsOf } from "./settings-of.ts";
import { addStages, readStages } from "./stages.ts";
import type { DeployInputs } from "./use-case-inputs.ts";
import { closing, type KnownFacts, withFailureReport } from "./with-failure-report.ts";
import { withRolloutPorts } from "./with-target.ts";

export interface DeployHooks {
  /** Live progress. */
  readonly onEvent?: (event: RolloutEvent) => void;
}

export interface Deployed {
  readonly report: DeploymentReport;
  /** The ledger was left without an end: the next run, or `reconcile`, puts the target right. */
  readonly leftOpen: boolean;
  readonly reportPath: string;
  readonly commentUrl?: string;
}

/**
 * Makes the environment run the release, or brings back what ran before; then tells GitHub, where there is one.
 * Every end that a target can have is an outcome in the report. @throws BelayError when nothing was begun.
 */
export async function deploy(
  context: PipelineContext,
  inputs: DeployInputs,
  hooks: DeployHooks = {},
): Promise<Deployed> {
  await forgetReport(context);
  const done = await withFailureReport(context, inputs, inputs.comment, async (facts, run) => {
    const settings = await settingsOf(context, inputs);
    facts.application = settings.application;
    facts.environment = settings.environment;
    const release = await releaseToDeploy(context, inputs, settings);
    facts.source = release.source;
    if (run !== undefined) {
      facts.start = deploymentStart(settings, { digest: releaseDigest(release), source: release.source }, run);
      // Beside the rollout and not before it: a GitHub that is slow must not hold a fix back.
      facts.beginning = run.github.beginDeployment(facts.start);
    }
    return { ...(await rollOutTo(context, { inputs, settings, release, run, hooks })), facts, run };
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

interface Rollout {
  readonly inputs: DeployInputs;
  readonly settings: Settings;
  readonly release: Release;
  readonly run: GitHubRun | undefined;
  readonly hooks: DeployHooks;
}

async function rollOutTo(context: PipelineContext, rollout: Rollout): Promise<DeploymentResult> {
  const { inputs, settings, release, run, hooks } = rollout;
  const stages = (await readStages(context)).filter((stage) => stage.name !== "deploy");
  const url = settings.url === undefined ? {} : { url: settings.url };
  return withRolloutPorts(context, settings, inputs.githubToken, (ports) =>
    rollOut(
      { release, policy: settings.rollout, stages, ...url },
      {
        ...ports,
        isOver: isOverOf(run),
        isOlder: (running: Source) => isOlder(context, release.source, running),
        onEvent: hooks.onEvent ?? eventTeller((line) => context.log.info(line)),
      },
    ),
  );
}
