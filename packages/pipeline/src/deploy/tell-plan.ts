import type { Plan } from "@belay/core";
import { renderPlan, writeSummary } from "@belay/github";
import type { PipelineContext } from "../run/context.ts";
import { type GitHubRun, githubOf, pullRequestOf } from "../run/github-of.ts";
import type { DeployInputs } from "../run/use-case-inputs.ts";
import { makePlan } from "./plan.ts";

export interface ToldPlan {
  readonly plan: Plan;
  /** As people read it on GitHub. Redacted. */
  readonly markdown: string;
  readonly commentUrl?: string;
}

/**
 * Plans, and shows it in the job summary and on the pull request: in a comment of its own per environment, which is
 * replaced by the next plan. Changes nothing on the target; what GitHub does not take is logged.
 * @throws BelayError INVALID_INPUT for code that nobody has accepted yet: a plan works with the target's credentials
 */
export async function tellPlan(context: PipelineContext, inputs: DeployInputs): Promise<ToldPlan> {
  const run = await githubOf(context, inputs);
  const made = await makePlan(context, inputs, run);
  const markdown = renderPlan(made, { redactor: context.redactor });
  if (run === undefined) return { plan: made, markdown };
  const summary = await writeSummary(context.env.GITHUB_STEP_SUMMARY, markdown);
  if (!summary.done) context.log.warn(summary.deferred.message);
  const commentUrl = inputs.comment ? await comment(run, made, markdown) : undefined;
  return { plan: made, markdown, ...(commentUrl === undefined ? {} : { commentUrl }) };
}

/** Where it stands now. What GitHub answers instead is logged by whoever asked. */
async function comment(run: GitHubRun, { scope }: Plan, body: string): Promise<string | undefined> {
  const pullRequest = await pullRequestOf(run, run.event.headSha);
  if (pullRequest === undefined) return undefined;
  const { application, environment: planOf } = scope;
  const posted = await run.github.upsertComment({ pullRequest: pullRequest.number, application, planOf, body });
  return posted.done ? posted.value.url : undefined;
}
