import { type FailureReport, isBelayError, type Source, toBelayError } from "@belay/core";
import type { DeploymentStart, GitHubDeployment } from "@belay/github";
import { announce } from "./announce.ts";
import type { PipelineContext } from "./context.ts";
import type { GitHubRun } from "./github-of.ts";
import { readStages } from "./stages.ts";

export interface Failure {
  readonly error: unknown;
  readonly run: GitHubRun | undefined;
  readonly comment: boolean;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Unknown when the configuration itself was wrong: then GitHub's repository name stands in. */
  readonly application: string | undefined;
  readonly environment: string | undefined;
  readonly source?: Source;
  readonly start?: DeploymentStart;
  readonly begun?: GitHubDeployment;
}

/** Announces a run that ended by an error before any deployment began. Never throws because of GitHub. */
export async function reportFailure(context: PipelineContext, failure: Failure): Promise<FailureReport> {
  const error = toBelayError(failure.error, "the run");
  const repository = context.env.GITHUB_REPOSITORY?.split("/").at(-1);
  const durationMs = Math.max(0, context.clock.date().getTime() - Date.parse(failure.startedAt));
  const report: FailureReport = {
    application: failure.application ?? repository ?? "application",
    reason: isBelayError(error) ? error.reason : "internal_error",
    message: context.redactor.redact(error.message),
    stages: await readStages(context),
    startedAt: failure.startedAt,
    durationMs,
    ...(failure.environment === undefined ? {} : { environment: failure.environment }),
    ...(failure.source === undefined ? {} : { source: failure.source }),
  };
  await announce(context, {
    report,
    run: failure.run,
    comment: failure.comment,
    ...(failure.start === undefined ? {} : { start: failure.start }),
    ...(failure.begun === undefined ? {} : { begun: failure.begun }),
  });
  return report;
}
