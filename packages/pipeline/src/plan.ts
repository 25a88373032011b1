import { keepsFailed, type Plan, type Source } from "@belay/core";
import { ageFinding, current, driftFinding, nothingProvenFinding } from "@belay/rollout";
import type { PipelineContext } from "./context.ts";
import { type GitHubRun, githubOf } from "./github-of.ts";
import { isOlder } from "./is-older.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";
import { requireTrusted } from "./require-trusted.ts";
import { settingsOf } from "./settings-of.ts";
import { signatureFindings } from "./signature-findings.ts";
import type { CommonInputs } from "./use-case-inputs.ts";
import { withTarget } from "./with-target.ts";

/**
 * What a deployment of the release would change, and what speaks against it. Changes nothing.
 * @throws BelayError INVALID_INPUT for code that nobody has accepted yet: a plan works with the target's credentials
 */
export async function plan(context: PipelineContext, inputs: CommonInputs): Promise<Plan> {
  return makePlan(context, inputs, await githubOf(context, inputs));
}

/** The same in a run on GitHub that is known already. */
export async function makePlan(
  context: PipelineContext,
  inputs: CommonInputs,
  run: GitHubRun | undefined,
): Promise<Plan> {
  await requireTrusted(run, { doing: "planning" });
  const settings = await settingsOf(context, inputs);
  const release = await releaseToDeploy(context, inputs, settings);
  return withTarget(context, settings, inputs.githubToken, async ({ target, records }) => {
    const [made, should, unsigned] = await Promise.all([
      target.plan(release, settings.rollout),
      current(records),
      signatureFindings(context, inputs, settings, release.services),
    ]);
    const older = (running: Source): ReturnType<typeof isOlder> => isOlder(context, release.source, running);
    const proven = should?.proven === true ? should.release?.source : undefined;
    const drift = driftFinding(should, made);
    const [age, nothing] = await Promise.all([
      ageFinding(proven, settings.rollout, older),
      nothingProvenFinding(
        { target, log: context.log },
        { before: should, plan: made, release, policy: settings.rollout },
      ),
    ]);
    const found = [drift, age, nothing, ...unsigned].filter((one) => one !== undefined);
    const kept = keepsFailed(made.services, settings.rollout);
    return { ...made, findings: [...made.findings, ...found], keepsFailed: kept };
  });
}
