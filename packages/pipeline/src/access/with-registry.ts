import type { Settings } from "@belay/config";
import type { Docker } from "@belay/docker";
import type { RegistryClient } from "@belay/registry";
import type { PipelineContext } from "../run/context.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { registryAccess } from "./registry-access.ts";

/** Whether this machine's Docker engine is asked which registries are insecure. */
export type EngineAsked = "always" | "if it answers" | "never";

/**
 * For a cluster no engine has to be there: the job may be a pod of it. Nor has one of this machine's own for an engine that is
 * named by host or context; where none is named, it is the target itself.
 */
export function engineAskedFor({ target }: Pick<Settings, "target">): EngineAsked {
  if (target.kind === "kubernetes") return "never";
  return target.host === undefined && target.context === undefined ? "always" : "if it answers";
}

/** For several of them; `undefined` for none. */
export function engineAskedForAll(all: readonly Pick<Settings, "target">[]): EngineAsked | undefined {
  const asked = all.map(engineAskedFor);
  return (["always", "if it answers", "never"] as const).find((one) => asked.includes(one));
}

/** Opens the registries for as long as `work` takes. */
export async function withRegistry<T>(
  context: PipelineContext,
  { githubToken }: Pick<CommonInputs, "githubToken">,
  engine: EngineAsked,
  work: (registry: RegistryClient) => Promise<T>,
): Promise<T> {
  const docker = await engineAtHand(context, engine);
  try {
    const { client } = await registryAccess(context, docker, githubToken);
    try {
      return await work(client);
    } finally {
      client.close();
    }
  } finally {
    await docker?.close();
  }
}

async function engineAtHand(context: PipelineContext, asked: EngineAsked): Promise<Docker | undefined> {
  if (asked === "never") return undefined;
  const { redactor, signal, clock, log } = context;
  const { connectDocker } = await import("@belay/docker");
  const connecting = connectDocker({ redactor, signal, clock });
  if (asked === "always") return connecting;
  try {
    const docker = await connecting;
    return await docker.info({ signal }).then(
      () => docker,
      async (error: unknown) => {
        await docker.close();
        throw error;
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    log.debug(`no engine answers: ${String(error)}`);
    return undefined;
  }
}
