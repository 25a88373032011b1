import type { ComposeTarget, Settings } from "@belay/config";
import type { PipelineContext } from "./context.ts";
import { openDocker } from "./open-docker.ts";
import type { OpenTarget } from "./open-target.ts";

/** Connects to the Docker engine of a Compose project. @throws what connecting throws. */
export async function openCompose(
  context: PipelineContext,
  settings: Settings,
  compose: ComposeTarget,
  token: string,
): Promise<OpenTarget> {
  const { createComposeTarget } = await import("@belay/compose");
  const { log, clock, redactor, runner } = context;
  const { application, environment } = settings;
  return openDocker(context, settings, compose, token, {
    target: async (docker, registries) =>
      createComposeTarget({
        ...{ docker, runner, log, clock, redactor, ...registries },
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
        missingSecrets: settings.missingSecrets,
        services: Object.fromEntries(
          Object.entries(settings.services).map(([name, service]) => [name, { name: service.names.compose ?? name }]),
        ),
        ...(settings.shift === undefined ? {} : { shift: settings.shift }),
      }),
    containerOf: async (_docker, container) => container,
  });
}
