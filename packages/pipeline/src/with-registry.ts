import type { Settings } from "@belay/config";
import type { RegistryClient } from "@belay/registry";
import type { PipelineContext } from "./context.ts";
import { registryAccess } from "./registry-access.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

/** A Docker engine tells which registries are insecure. For a cluster none has to be there: the job may be a pod of it. */
export async function withRegistry<T>(
  context: PipelineContext,
  inputs: CommonInputs,
  { target }: Settings,
  work: (registry: RegistryClient) => Promise<T>,
): Promise<T> {
  const { redactor, signal, clock } = context;
  const { connectDocker } = await import("@belay/docker");
  const docker = target.kind === "kubernetes" ? undefined : await connectDocker({ redactor, signal, clock });
  try {
    const { client } = await registryAccess(context, docker, inputs.githubToken);
    try {
      return await work(client);
    } finally {
      client.close();
    }
  } finally {
    await docker?.close();
  }
}
