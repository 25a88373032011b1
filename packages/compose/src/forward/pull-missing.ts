import { parseReference } from "@belay/core";
import { hasImage } from "../plan/preflight.ts";
import type { TargetState } from "../target-state.ts";

/**
 * Pulls an image unless the engine has it. Compose never pulls for Belay: it gets none of the variables that a credential
 * helper may want (`AWS_…`), because it would put them into the user's files.
 *
 * @throws EngineError when the engine could not have it.
 */
export async function pullMissing(
  { docker, options }: Pick<TargetState, "docker" | "options">,
  image: string,
  signal: AbortSignal,
  platform?: string,
): Promise<void> {
  if (await hasImage(docker, image)) return;
  const registry = parseReference(image)?.registry;
  const auth = registry === undefined ? undefined : await options.registryAuth?.(registry);
  options.log.info(`pulling ${image}`);
  await docker.images.pull(image, {
    signal,
    ...(auth === undefined ? {} : { auth }),
    ...(platform === undefined ? {} : { platform }),
  });
}
