import { type FailureReport, type Source, toBelayError } from "@belay/core";
import type { DeploymentStart, GitHubDeployment, Reported } from "@belay/github";
import type { PipelineContext } from "../run/context.ts";
import { type GitHubRun, githubOf } from "../run/github-of.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { announce } from "./announce.ts";
import { readStages } from "./stages.ts";

/** What a use case has found out so far; whatever is there when it fails goes into the report. */
export interface KnownFacts {
  /** Unknown when the configuration itself is wrong: then GitHub's repository name stands in. */
  application?: string;
  environment?: string;
  source?: Source;
  start?: DeploymentStart;
  /** Never rejects. */
  beginning?: Promise<Reported<GitHubDeployment>>;
}

/**
 * Runs a use case. When it throws, what is known is announced first, so that the step `report` can tell it; then the
 * error goes on to the caller. `comment`: whether the pull request is told here.
 */
export async function withFailureReport<T>(
  context: PipelineContext,
  inputs: CommonInputs & { readonly commentAuthor?: string },
  comment: boolean,
  work: (facts: KnownFacts, run: GitHubRun | undefined) => Promise<T>,
): Promise<T> {
  const startedAt = context.clock.date();
  const run = await githubOf(context, inputs);
  const facts: KnownFacts = inputs.environment === undefined ? {} : { environment: inputs.environment };
  try {
    return await work(facts, run);
  } catch (error) {
    const report = await failureReport(context, facts, startedAt, error);
    await announce(context, { report, run, comment, ...(await closing(facts)) });
    throw error;
  }
}

/** What `announce` needs to close the GitHub deployment that was begun. */
export async function closing({
  start,
  beginning,
}: KnownFacts): Promise<{ start?: DeploymentStart; begun?: GitHubDeployment }> {
  const begun = await beginning;
  return { ...(start === undefined ? {} : { start }), ...(begun?.done === true ? { begun: begun.value } : {}) };
}

async function failureReport(
  context: PipelineContext,
  facts: KnownFacts,
  startedAt: Date,
  thrown: unknown,
): Promise<FailureReport> {
  const error = toBelayError(thrown, "the run");
  const repository = context.env.GITHUB_REPOSITORY?.split("/").at(-1);
  return {
    application: facts.application ?? repository ?? "application",
    reason: error.reason,
    message: context.redactor.redact(error.message),
    stages: await readStages(context),
    startedAt: startedAt.toISOString(),
    durationMs: Math.max(0, context.clock.date().getTime() - startedAt.getTime()),
    ...(facts.environment === undefined ? {} : { environment: facts.environment }),
    ...(facts.source === undefined ? {} : { source: facts.source }),
  };
}
