import { pinnedReference, type Release, readRelease, writeRelease } from "@belay/core";
import { attachRelease, pushRelease } from "@belay/registry";
import type { PipelineContext } from "./context.ts";
import { githubOf } from "./github-of.ts";
import { releasePath } from "./places.ts";
import { registryAccess } from "./registry-access.ts";
import { reportFailure } from "./report-failure.ts";
import { timedStage } from "./stages.ts";
import type { PushInputs } from "./use-case-inputs.ts";

export interface Pushed {
  readonly release: Release;
  readonly releasePath: string;
}

/**
 * Pushes the images of the release and writes the next release, with the identity that the registry gave back.
 * @throws BelayError RELEASE_INVALID, PUSH_FAILED, TAG_TAKEN, IDENTITY_MISMATCH, REGISTRY_*; written into the report too.
 */
export async function push(context: PipelineContext, inputs: PushInputs): Promise<Pushed> {
  const startedAt = context.clock.date().toISOString();
  const run = await githubOf(context, inputs);
  const path = releasePath(context, inputs);
  let built: Release | undefined;
  try {
    built = await readRelease(path);
    const release = await pushFrom(context, inputs, built);
    await writeRelease(path, release);
    return { release, releasePath: path };
  } catch (error) {
    const facts = { application: built?.application, environment: inputs.environment };
    await reportFailure(context, {
      error,
      run,
      comment: false,
      startedAt,
      ...facts,
      ...(built === undefined ? {} : { source: built.source }),
    });
    throw error;
  }
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
