import type { KubernetesTargetOptions } from "../kubernetes-options.ts";
import { createApplyVerb } from "./apply-verb.ts";
import { isKept } from "./kept-kinds.ts";
import { type RenderOptions, renderManifests } from "./render-manifests.ts";

/** The user's manifests as the target takes them: read anew for each release. */
export function createManifests(
  options: Omit<RenderOptions, "release" | "signal">,
): NonNullable<KubernetesTargetOptions["manifests"]> {
  return {
    render: (release, signal) => renderManifests({ ...options, release, ...(signal && { signal }) }),
    verb: createApplyVerb(options.api, options.scope),
    isKept,
  };
}
