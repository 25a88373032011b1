import type { Settings } from "@belay/config";
import { type DeploymentReport, type Release, releaseDigest, type Source } from "@belay/core";
import type { DeploymentStart, GitHubDeployment, Reported } from "@belay/github";
import { type DeploymentResult, type RolloutEvent, deploy as rollOut } from "@belay/rollout";
import { announce } from "./announce.ts";
import type { PipelineContext } from "./context.ts";
import { deploymentStart } from "./deployment-start.ts";
import { eventTeller } from "./event-line.ts";
import { type GitHubRun, githubOf, isOverOf } from "./github-of.ts";
import { isOlder } from "./is-older.ts";
import { holderOf, openTarget } from "./open-target.ts";
import { reportPath } from "./places.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";
import { reportFailure } from "./report-failure.ts";
import { settingsOf } from "./settings-of.ts";
import { addStages, readStages } from "./stages.ts";
import type { DeployInputs } from "./use-case-inputs.ts";

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
  const startedAt = context.clock.date().toISOString();
  const run = await githubOf(context, inputs);
  let settings: Settings | undefined;
  let start: DeploymentStart | undefined;
  let beginning: Promise<Reported<GitHubDeployment>> | undefined;
  try {
    settings = await settingsOf(context, inputs);
    const release = await releaseToDeploy(context, inputs, settings);
    if (run !== undefined) {
      start = deploymentStart(settings, { digest: releaseDigest(release), source: release.source }, run);
      // Beside the rollout and not before it: a GitHub that is slow must not hold a fix back. It never throws.
      beginning = run.github.beginDeployment(start);
    }
    const result = await rollOutTo(context, { inputs, settings, release, run, hooks });
    await addStages(
      context,
      result.report.stages.filter((stage) => stage.name === "deploy"),
    );
    const { commentUrl } = await announce(context, {
      report: result.report,
      run,
      comment: inputs.comment,
      ...(await closing(start, beginning)),
    });
    const told = commentUrl === undefined ? {} : { commentUrl };
    return { report: result.report, leftOpen: result.leftOpen, reportPath: reportPath(context), ...told };
  } catch (error) {
    const { application, environment } = settings ?? { application: undefined, environment: inputs.environment };
    await reportFailure(context, {
      error,
      run,
      comment: inputs.comment,
      startedAt,
      application,
      environment,
      ...(await closing(start, beginning)),
    });
    throw error;
  }
}

async function closing(start: DeploymentStart | undefined, beginning: Promise<Reported<GitHubDeployment>> | undefined) {
  const begun = await beginning;
  return { ...(start === undefined ? {} : { start }), ...(begun?.done === true ? { begun: begun.value } : {}) };
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
  const open = await openTarget(context, settings, inputs.githubToken);
  // The probes must go on while a cancelled deployment is taken back, so they have a signal of their own.
  const probing = new AbortController();
  try {
    const prober = await open.startProber(probing.signal);
    const { clock, log, signal } = context;
    return await rollOut(
      {
        release,
        policy: settings.rollout,
        stages: await readStages(context),
        ...(settings.url === undefined ? {} : { url: settings.url }),
      },
      {
        target: open.target,
        clock,
        log,
        signal,
        random: Math.random,
        holder: holderOf(context),
        isOver: isOverOf(run),
        isOlder: (running: Source) => isOlder(context, release.source, running),
        ...(prober === undefined ? {} : { prober }),
        onEvent: hooks.onEvent ?? eventTeller((line) => log.info(line)),
      },
    );
  } finally {
    probing.abort();
    await open.close();
  }
}
