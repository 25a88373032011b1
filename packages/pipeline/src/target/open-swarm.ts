import type { Settings, SwarmTarget } from "@belay/config";
import type { Docker } from "@belay/docker";
import type { PipelineContext } from "../run/context.ts";
import { openDocker } from "./open-docker.ts";
import type { OpenTarget } from "./open-target.ts";

/**
 * Connects to a manager of a swarm. Probes of instances reach the containers of the manager's own machine only: overlay
 * networks are closed to others.
 * @throws what connecting throws, and INVALID_INPUT when it is no manager.
 */
export async function openSwarm(
  context: PipelineContext,
  settings: Settings,
  swarm: SwarmTarget,
  token: string,
): Promise<OpenTarget> {
  const { createSwarmTarget } = await import("@belay/swarm");
  const { log, clock, redactor, runner } = context;
  const { application, environment } = settings;
  return openDocker(context, settings, swarm, token, {
    target: (docker, registries) =>
      createSwarmTarget({
        ...{ docker, runner, log, clock, redactor, ...registries },
        cliArgs: docker.place,
        scope: { target: "swarm", project: swarm.stack, application, environment },
        services: Object.fromEntries(
          Object.entries(settings.services).map(([service, { names }]) => {
            return [service, names.swarm === undefined ? {} : { name: names.swarm }];
          }),
        ),
        ...stackFiles(settings, swarm),
      }),
    containerOf,
  });
}

function stackFiles({ variables, secrets }: Settings, { files }: SwarmTarget) {
  if (files.length === 0) return {};
  return { stack: { files, env: { ...variables, ...secrets }, secretNames: Object.keys(secrets) } };
}

/** The engine answers 404 for a container of another node, which the probe then tells. */
async function containerOf(docker: Docker, task: string, signal?: AbortSignal): Promise<string> {
  const { Status } = await docker.tasks.inspect(task, signal === undefined ? {} : { signal });
  return Status.ContainerStatus?.ContainerID ?? task;
}
