import { readSource } from "@belay/images";
import type { PipelineContext } from "../run/context.ts";
import { githubOf } from "../run/github-of.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { isForeign, requireTrusted } from "./require-trusted.ts";

/**
 * {@link requireTrusted} for work that goes by nothing but the belay.yaml that is checked out: on a pull request's events that
 * may be the default branch's, whatever the pull request brings.
 * @throws BelayError INVALID_INPUT, and SOURCE_UNKNOWN where the code may be somebody else's and git does not tell.
 */
export async function requireTrustedCheckout(
  context: PipelineContext,
  inputs: CommonInputs,
  doing: string,
): Promise<void> {
  const run = await githubOf(context, inputs);
  if (run === undefined || !isForeign(run, {})) return;
  const { workingDirectory, env, runner } = context;
  const paths = inputs.config === undefined ? ["belay.yaml", "belay.yml"] : [inputs.config];
  const source = await readSource({ workingDirectory, env, runner, paths, event: run.event });
  await requireTrusted(run, { doing, source, checkedOut: true });
}
