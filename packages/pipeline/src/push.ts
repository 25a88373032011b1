import { pinnedReference, type Release, readRelease, writeRelease } from "@belay/core";
import { attachRelease, pushRelease } from "@belay/registry";
import type { PipelineContext } from "./context.ts";
import { releasePath } from "./places.ts";
import { registryAccess } from "./registry-access.ts";
import { timedStage } from "./stages.ts";
import type { PushInputs } from "./use-case-inputs.ts";
import { withFailureReport } from "./with-failure-report.ts";

export interface Pushed {
  readonly release: Release;
  readonly releasePath: string;
}

/**
 * Pushes the images of the release and writes the next release, with the identity that the registry gave back.
 * @throws BelayError RELEASE_INVALID, PUSH_FAILED, TAG_TAKEN, IDENTITY_MISMATCH, REGISTRY_*; written into the report too.
 */
export function push(context: PipelineContext, inputs: PushInputs): Promise<Pushed> {
  return withFailureReport(context, inputs, false, async (facts) => {
    const path = releasePath(context, inputs);
    const built = await readRelease(path);
    facts.application = built.application;
    facts.source = built.source;
    const release = await pushFrom(context, inputs, built);
    await writeRelease(path, release);
    return { release, releasePath: path };
  });
}

async function pushFrom(context: PipelineContext, inputs: PushInputs, built: Release): Promise<Release> {
  const { connectDocker } = await import("@belay/docker");
  const { redactor, signal, clock, log } = context;
  const docker = await connectDocker({ redactor, signal, clock });
  try {
    const { client, auth } = await registryAccess(context, docker, inputs.githubToken);
    const common = { registry: client, log, clock, signal };
    const work = async (): Promise<Release> => {
      const release = await pushRelease({ ...common, release: built, docker, auth, maxParallel: inputs.maxParallel });
      await attachRelease({ ...common, release });
      return release;
    };
    try {
      return await timedStage(context, "push", work, describePush);
    } finally {
      client.close();
    }
  } finally {
    await docker.close();
  }
}

function describePush(release: Release): string {
  return Object.values(release.services)
    .map((image) => pinnedReference(image) ?? image.repository)
    .join(", ");
}
