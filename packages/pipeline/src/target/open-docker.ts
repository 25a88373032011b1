import type { Settings } from "@belay/config";
import type { Target } from "@belay/core";
import type { Docker } from "@belay/docker";
import type { Authenticator } from "@belay/registry";
import { authenticatorOf, imageAvailability } from "../access/registry-access.ts";
import type { PipelineContext } from "../run/context.ts";
import { containerAddress } from "./container-address.ts";
import { type EnginePlace, isLocal, placeOptions } from "./engine-place.ts";
import type { OpenTarget } from "./open-target.ts";
import { type InstanceAccess, startProber } from "./start-prober.ts";

/** What differs between the targets of a Docker engine. */
export interface DockerTargetMaker {
  /** Makes the target on the open connection. */
  readonly target: (docker: Docker, registries: Registries) => Promise<Target>;
  /** The container that an instance is. */
  readonly containerOf: (docker: Docker, instance: string, signal?: AbortSignal) => Promise<string>;
}

/** Asked for images and credentials as this machine has them. */
export interface Registries {
  readonly imageAvailable: ReturnType<typeof imageAvailability>;
  readonly registryAuth: Authenticator["engineAuth"];
}

/** Connects to a Docker engine and makes a target of it. What was opened is closed when that fails. */
export async function openDocker(
  context: PipelineContext,
  settings: Settings,
  place: EnginePlace,
  token: string,
  maker: DockerTargetMaker,
): Promise<OpenTarget> {
  const { connectDocker } = await import("@belay/docker");
  const { redactor, signal, clock } = context;
  const docker = await connectDocker({ ...placeOptions(place), redactor, signal, clock });
  try {
    const auth = authenticatorOf(context, token);
    const target = await maker.target(docker, {
      imageAvailable: imageAvailability(docker, auth),
      registryAuth: (registry) => auth.engineAuth(registry),
    });
    return {
      target,
      startProber: (ending) =>
        startProber(context, settings, () => accessOf(context, place, docker, maker.containerOf), ending),
      close: async () => {
        await target.close();
        await docker.close();
      },
    };
  } catch (error) {
    await docker.close();
    throw error;
  }
}

async function accessOf(
  context: PipelineContext,
  place: EnginePlace,
  docker: Docker,
  containerOf: DockerTargetMaker["containerOf"],
): Promise<InstanceAccess> {
  return {
    engineIsLocal: await isLocal(context, place),
    addressOf: async (instance) =>
      containerAddress(await docker.containers.inspect(await containerOf(docker, instance))),
    exec: async (instance, command, { timeoutMs, signal }) => {
      const container = await containerOf(docker, instance, signal);
      return docker.containers.exec(container, command, {}, { deadlineMs: timeoutMs, signal });
    },
  };
}
