import { keepsFailed, type Plan, type Source } from "@belay/core";
import { ageFinding, current, driftFinding, nothingProvenFinding } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import { type GitHubRun, githubOf } from "../run/github-of.ts";
import { settingsOf } from "../run/settings-of.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { signatureFindings } from "../sign/signature-findings.ts";
import { withTarget } from "../target/with-target.ts";
import { requireTrusted } from "../trust/require-trusted.ts";
import { isOlder } from "./is-older.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";

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
