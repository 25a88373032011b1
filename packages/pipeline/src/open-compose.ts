import type { ComposeTarget, Settings } from "@belay/config";
import type { Prober } from "@belay/core";
import type { Docker } from "@belay/docker";
import { containerAddress } from "./container-address.ts";
import type { PipelineContext } from "./context.ts";
import { isLocal, placeOptions } from "./engine-place.ts";
import type { OpenTarget } from "./open-target.ts";
import { imageAvailability, registryAccess } from "./registry-access.ts";

/** Connects to the Docker engine of a Compose project. @throws what connecting throws. */
export async function openCompose(
  context: PipelineContext,
  settings: Settings,
  compose: ComposeTarget,
  token: string,
): Promise<OpenTarget> {
  const [{ connectDocker }, { createComposeTarget }] = await Promise.all([
    import("@belay/docker"),
    import("@belay/compose"),
  ]);
  const { log, clock, redactor, runner, signal } = context;
  const { application, environment } = settings;
  const docker = await connectDocker({ ...placeOptions(compose), redactor, signal, clock });
  try {
    const { auth, client } = await registryAccess(context, docker, token);
    const target = await createComposeTarget({
      docker,
      runner,
      log,
      clock,
      redactor,
      cli: "docker",
      cliArgs: await docker.cliArguments(),
      shownCliArgs: docker.place,
      cliEnv: {},
      scope: { target: "compose", project: compose.project, application, environment },
      projectDirectory: compose.directory,
      files: compose.files,
      ...(compose.profiles === undefined ? {} : { profiles: compose.profiles }),
      env: { ...settings.variables, ...settings.secrets },
      secretNames: Object.keys(settings.secrets),
      services: Object.fromEntries(
        Object.entries(settings.services).map(([name, service]) => [name, { name: service.names.compose ?? name }]),
      ),
      imageAvailable: imageAvailability(docker, auth),
      registryAuth: (registry) => auth.engineAuth(registry),
      ...(settings.shift === undefined ? {} : { shift: settings.shift }),
    });
    return {
      target,
      startProber: (ending) => startProber(context, settings, compose, docker, ending),
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

async function startProber(
  context: PipelineContext,
  settings: Settings,
  compose: ComposeTarget,
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
    engineIsLocal: await isLocal(context, compose),
    addressOf: async (instance) => containerAddress(await docker.containers.inspect(instance)),
    exec: (instance, command, options) =>
      docker.containers.exec(instance, command, {}, { deadlineMs: options.timeoutMs, signal: options.signal }),
  });
}
