import type { Plan } from "@belay/core";
import type { PipelineContext } from "./context.ts";
import { openTarget } from "./open-target.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";
import { settingsOf } from "./settings-of.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

/** What a deployment of the release would change, and what speaks against it. Changes nothing. */
export async function plan(context: PipelineContext, inputs: CommonInputs): Promise<Plan> {
  const settings = await settingsOf(context, inputs);
  const release = await releaseToDeploy(context, inputs, settings);
  const open = await openTarget(context, settings, inputs.githubToken);
  try {
    return await open.target.plan(release, settings.rollout);
  } finally {
    await open.close();
  }
}
