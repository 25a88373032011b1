import type { Settings, SwarmTarget } from "@belay/config";
import type { Prober } from "@belay/core";
import type { Docker } from "@belay/docker";
import { containerAddress } from "./container-address.ts";
import type { PipelineContext } from "./context.ts";
import { isLocal, placeOptions } from "./engine-place.ts";
import type { OpenTarget } from "./open-target.ts";
import { imageAvailability, registryAccess } from "./registry-access.ts";

/** Connects to a manager of a swarm. @throws what connecting throws, and INVALID_INPUT when it is no manager. */
export async function openSwarm(
  context: PipelineContext,
  settings: Settings,
  swarm: SwarmTarget,
  token: string,
): Promise<OpenTarget> {
  const [{ connectDocker }, { createSwarmTarget }] = await Promise.all([
    import("@belay/docker"),
    import("@belay/swarm"),
  ]);
  const { log, clock, redactor, runner, signal } = context;
  const { application, environment } = settings;
  const docker = await connectDocker({ ...placeOptions(swarm), redactor, signal, clock });
  try {
    const { auth, client } = await registryAccess(context, docker, token);
    const target = await createSwarmTarget({
      docker,
      runner,
      log,
      clock,
      redactor,
      cliArgs: docker.place,
      scope: { target: "swarm", project: swarm.stack, application, environment },
      services: Object.fromEntries(
        Object.entries(settings.services).map(([service, { names }]) => {
          return [service, names.swarm === undefined ? {} : { name: names.swarm }];
        }),
      ),
      ...stackFiles(settings, swarm),
      imageAvailable: imageAvailability(docker, auth),
      registryAuth: (registry) => auth.engineAuth(registry),
    });
    return {
      target,
      startProber: (ending) => startProber(context, settings, swarm, docker, ending),
      close: async () => {
        client.close();
        await target.close();
        await docker.close();
      },
    };
  } catch (error) {
    await docker.close();
    throw error;
  }
}

function stackFiles({ variables, secrets }: Settings, { files }: SwarmTarget) {
  if (files.length === 0) return {};
  return { stack: { files, env: { ...variables, ...secrets }, secretNames: Object.keys(secrets) } };
}

/** Probes of instances reach the containers of the manager's own machine only: overlay networks are closed to others. */
async function startProber(
  context: PipelineContext,
  settings: Settings,
  swarm: SwarmTarget,
  docker: Docker,
  signal: AbortSignal,
): Promise<Prober | undefined> {
  if (settings.health.length === 0) return undefined;
  const { createProber } = await import("@belay/health");
  return createProber({
    probes: settings.health,
    clock: context.clock,
    log: context.log,
    signal,
    engineIsLocal: await isLocal(context, swarm),
    addressOf: async (task) => containerAddress(await docker.containers.inspect(await containerOf(docker, task))),
    exec: async (task, command, options) => {
      const bounds = { deadlineMs: options.timeoutMs, signal: options.signal };
      return docker.containers.exec(await containerOf(docker, task, options.signal), command, {}, bounds);
    },
  });
}

/** The engine answers 404 for a container of another node, which the probe then tells. */
async function containerOf(docker: Docker, task: string, signal?: AbortSignal): Promise<string> {
  const { Status } = await docker.tasks.inspect(task, signal === undefined ? {} : { signal });
  return Status.ContainerStatus?.ContainerID ?? task;
}
