import type { Plan } from "@belay/core";
import type { PipelineContext } from "./context.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";
import { settingsOf } from "./settings-of.ts";
import type { CommonInputs } from "./use-case-inputs.ts";
import { withTarget } from "./with-target.ts";

/** What a deployment of the release would change, and what speaks against it. Changes nothing. */
export async function plan(context: PipelineContext, inputs: CommonInputs): Promise<Plan> {
  const settings = await settingsOf(context, inputs);
  const release = await releaseToDeploy(context, inputs, settings);
  return withTarget(context, settings, inputs.githubToken, ({ target }) => target.plan(release, settings.rollout));
}
