import { type BelayError, type Digest, type ImageIdentity, isBelayError, parseReference } from "@belay/core";
import { current } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import { settingsOf } from "../run/settings-of.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { withTarget } from "../target/with-target.ts";

/** The images that an environment's ledger says should run, per service; or why nobody can say. */
export type RunningImages =
  | {
      readonly images: Readonly<Record<string, ImageIdentity>>;
      /** The commit that they were built from. Outside text. */
      readonly revision?: string;
    }
  | { readonly impossible: string };

/** Reads the ledger of the environment, and changes nothing. Nothing that is wrong there stops a scan. */
export async function runningImages(context: PipelineContext, inputs: CommonInputs): Promise<RunningImages> {
  try {
    const settings = await settingsOf(context, inputs, "given");
    const runs = await withTarget(context, settings, inputs.githubToken, ({ records }) => current(records));
    const images = Object.entries(runs?.release?.images ?? {}).map(([name, reference]) => [name, imageOf(reference)]);
    const revision = runs?.release?.source.revision;
    return { images: Object.fromEntries(images), ...(revision === undefined ? {} : { revision }) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isBelayError(error)) throw error;
    return { impossible: `what runs could not be read: ${firstLine(error)}` };
  }
}

function imageOf(reference: string): ImageIdentity {
  const { repository, digest } = parseReference(reference) ?? { repository: reference };
  return { repository, platforms: {}, tags: [], ...(digest === undefined ? {} : { digest: digest as Digest }) };
}

function firstLine(error: BelayError): string {
  return error.message.split("\n")[0] ?? "";
}
