import type { ComposeTarget, Settings } from "@belay/config";
import type { PipelineContext } from "../run/context.ts";
import { openDocker } from "./open-docker.ts";
import type { OpenTarget } from "./open-target.ts";

/** Connects to the Docker engine of a Compose project. @throws what connecting throws. */
export async function openCompose(
  context: PipelineContext,
  settings: Settings,
  compose: ComposeTarget,
  token: string,
): Promise<OpenTarget> {
  const { askComposeVersion, createComposeTarget } = await import("@belay/compose");
  const { log, clock, redactor, runner } = context;
  const { application, environment } = settings;
  const program = {
    ...{ runner, cli: "docker", cliEnv: {}, projectDirectory: compose.directory },
    env: { ...settings.variables, ...settings.secrets },
  };
  // Beside the connecting, which takes as long.
  const composeVersion = askComposeVersion(program);
  composeVersion.catch(() => undefined);
  return openDocker(context, settings, compose, token, {
    target: async (docker, registries) =>
      createComposeTarget({
        ...{ ...program, docker, composeVersion, log, clock, redactor, ...registries },
        cliArgs: await docker.cliArguments(),
        shownCliArgs: docker.place,
        scope: { target: "compose", project: compose.project, application, environment },
        files: compose.files,
        ...(compose.profiles === undefined ? {} : { profiles: compose.profiles }),
        secretNames: Object.keys(settings.secrets),
        missingSecrets: settings.missingSecrets,
        services: Object.fromEntries(
          Object.entries(settings.services).map(([name, service]) => [name, { name: service.names.compose ?? name }]),
        ),
        ...(settings.shift === undefined ? {} : { shift: settings.shift }),
      }),
    containerOf: async (_docker, container) => container,
  });
}
