import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type DeploymentReport,
  type FailureReport,
  messageOf,
  redactDeep,
  type Source,
  writeJobFile,
} from "@belay/core";
import {
  type Deferred,
  type DeploymentStart,
  type EnvironmentRow,
  type GitHubDeployment,
  type PullRequest,
  type RenderContext,
  type Reported,
  renderComment,
  renderSummary,
  writeSummary,
} from "@belay/github";
import type { PipelineContext } from "../run/context.ts";
import { type GitHubRun, pullRequestOf } from "../run/github-of.ts";
import { reportPath } from "../run/places.ts";
import { readScanSummary } from "./scan-told.ts";

/** What is announced beside the report itself. */
export interface Announcement {
  readonly report: DeploymentReport | FailureReport;
  readonly run: GitHubRun | undefined;
  /** Whether a comment is kept on the pull request. */
  readonly comment: boolean;
  /** Whether the job's summary gets it too. Default true. */
  readonly summary?: boolean;
  /** The GitHub deployment to close; made new when it was never begun. */
  readonly start?: DeploymentStart;
  readonly begun?: GitHubDeployment;
}

/** Where people can read it. */
export interface Announced {
  readonly commentUrl?: string;
  /** What could not be told to GitHub, each a whole sentence. Outside text inside. */
  readonly deferred: readonly string[];
}

/**
 * Tells everybody: the report's file, the GitHub deployment's status, the pull request's comment, the job's summary.
 * Nothing here throws because of GitHub: what could not be told there stands in the summary, and the target stays as it is.
 */
export async function announce(context: PipelineContext, announcement: Announcement): Promise<Announced> {
  const { run } = announcement;
  const report = await withScan(context, announcement.report);
  const deferred: string[] = [];
  await saveReport(context, report).catch((error: unknown) => {
    // What happened on the target stays true when the runner's disk is full.
    const message = `writing the report: ${messageOf(error)}`;
    context.log.warn(message);
    deferred.push(message);
  });
  if (run === undefined) return { deferred };
  const told = <T>(reported: Reported<T>): T | undefined => keep(reported, deferred);
  const [pullRequest] = await Promise.all([
    pullRequestOf(run, sourceOf(report)?.revision ?? run.event.headSha),
    closeDeployment(announcement, run).then((reported) => reported && told(reported)),
  ]);
  const environments = told(await run.github.environments(report.application)) ?? [];
  const rendering = renderContext(context, run, environments, pullRequest);
  const comment = announcement.comment && pullRequest !== undefined;
  const posted = comment ? told(await postComment(report, run, pullRequest, rendering)) : undefined;
  if (announcement.summary ?? true) {
    told(await writeSummary(context.env.GITHUB_STEP_SUMMARY, renderSummary(report, { ...rendering, deferred })));
  }
  return { deferred, ...(posted === undefined ? {} : { commentUrl: posted.url }) };
}

type AnyReport = DeploymentReport | FailureReport;

/** What the scan of this job found, beside what came of it. */
async function withScan(context: PipelineContext, report: AnyReport): Promise<AnyReport> {
  // A rollback goes back to what was scanned long ago.
  if ("rollback" in report && report.rollback !== undefined) return report;
  const scan = report.scan ?? (await readScanSummary(context));
  return scan === undefined ? report : { ...report, scan };
}

function keep<T>(reported: Reported<T>, deferred: string[]): T | undefined {
  if (reported.done) return reported.value;
  const { message }: Deferred = reported.deferred;
  if (!deferred.includes(message)) deferred.push(message);
  return undefined;
}

async function closeDeployment(
  announcement: Announcement,
  run: GitHubRun,
): Promise<Reported<GitHubDeployment> | undefined> {
  if (announcement.start === undefined) return undefined;
  return run.github.endDeployment(announcement.start, announcement.report, announcement.begun);
}

function postComment(report: AnyReport, run: GitHubRun, pullRequest: PullRequest, rendering: RenderContext) {
  return run.github.upsertComment({
    pullRequest: pullRequest.number,
    application: report.application,
    body: renderComment(report, rendering),
  });
}

function renderContext(
  context: PipelineContext,
  run: GitHubRun,
  environments: readonly EnvironmentRow[],
  pullRequest: PullRequest | undefined,
): RenderContext {
  return {
    redactor: context.redactor,
    environments,
    ...(run.runUrl === undefined ? {} : { runUrl: run.runUrl }),
    ...(pullRequest === undefined
      ? {}
      : {
          pullRequest: {
            number: pullRequest.number,
            ...(pullRequest.url === undefined ? {} : { url: pullRequest.url }),
          },
        }),
  };
}

function sourceOf(report: DeploymentReport | FailureReport): Source | undefined {
  return "release" in report ? report.release.source : report.source;
}

/** Writes the report for later steps, redacted as a whole. */
export async function saveReport(context: PipelineContext, report: DeploymentReport | FailureReport): Promise<string> {
  const path = reportPath(context);
  await mkdir(dirname(path), { recursive: true });
  await writeJobFile(path, `${JSON.stringify(redactDeep(report, context.redactor), null, 2)}\n`);
  return path;
}

/** Takes away what an earlier deployment of this job left, so that nobody tells its end as that of the next one. */
export async function forgetReport(context: PipelineContext): Promise<void> {
  await rm(reportPath(context), { force: true });
}
