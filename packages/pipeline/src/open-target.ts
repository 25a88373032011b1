import { hostname } from "node:os";
import { type ComposeTarget, requireCompose, type Settings } from "@belay/config";
import type { Prober, Scope, Target } from "@belay/core";
import type { Docker } from "@belay/docker";
import type { PipelineContext } from "./context.ts";
import { imageAvailability, registryAccess } from "./registry-access.ts";

/** A target that is connected, with what a deployment asks of it beside the {@link Target} port. */
export interface OpenTarget {
  readonly target: Target;
  /** Begins to ask the environment's probes; `undefined` when it has none. */
  startProber(signal: AbortSignal): Promise<Prober | undefined>;
  close(): Promise<void>;
}

/**
 * Connects to the engine of an environment. Engines are loaded only when they are used.
 * @throws BelayError INVALID_INPUT for an engine that this version has not, and what connecting throws.
 */
export async function openTarget(
  context: PipelineContext,
  settings: Settings,
  githubToken: string,
): Promise<OpenTarget> {
  return openCompose(context, settings, requireCompose(settings.target, settings.environment), githubToken);
}

/** Who this run is, for the ledger. */
export function holderOf(context: PipelineContext): { run: string; attempt: number; host: string } {
  const { env, runName } = context;
  return { run: runName, attempt: Number(env.GITHUB_RUN_ATTEMPT ?? "1"), host: env.RUNNER_NAME || hostname() };
}

export function scopeOf(settings: Settings, target: ComposeTarget): Scope {
  const { application, environment } = settings;
  return { target: "compose", project: target.project, application, environment };
}

async function openCompose(
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
  const place = { ...(compose.context && { context: compose.context }), ...(compose.host && { host: compose.host }) };
  const docker = await connectDocker({ ...place, redactor, signal, clock });
  try {
    const { auth, client } = await registryAccess(context, docker, token);
    const target = await createComposeTarget({
      docker,
      runner,
      log,
      clock,
      redactor,
      cli: "docker",
      cliArgs: placeArguments(compose),
      cliEnv: {},
      scope: scopeOf(settings, compose),
      projectDirectory: compose.directory,
      files: compose.files,
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

/** How the docker command line is told the engine. */
function placeArguments(compose: ComposeTarget): readonly string[] {
  if (compose.context !== undefined) return ["--context", compose.context];
  return compose.host === undefined ? [] : ["--host", compose.host];
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
    addressOf: async (instance) => addressIn(await docker.containers.inspect(instance)),
    exec: (instance, command, options) =>
      docker.containers.exec(instance, command, {}, { deadlineMs: options.timeoutMs, signal: options.signal }),
  });
}

function addressIn(container: Awaited<ReturnType<Docker["containers"]["inspect"]>>): string | undefined {
  if (container.HostConfig.NetworkMode === "host") return "127.0.0.1";
  const endpoints = Object.values(container.NetworkSettings.Networks ?? {});
  return endpoints.map((endpoint) => endpoint.IPAddress).find((address) => address !== undefined && address !== "");
}

/** Whether the engine runs on this machine: its address is a socket of the file system. */
async function isLocal(context: PipelineContext, compose: ComposeTarget): Promise<boolean> {
  const given = compose.host ?? (compose.context === undefined ? context.env.DOCKER_HOST : undefined);
  if (given !== undefined && given !== "") return /^(unix|npipe):/.test(given);
  const format = "{{.Endpoints.docker.Host}}";
  const names = compose.context === undefined ? [] : [compose.context];
  const { stdout } = await context.runner("docker", ["context", "inspect", ...names, "--format", format], {
    doing: "asking where the docker context leads",
    signal: context.signal,
  });
  return /^(unix|npipe):/.test(stdout.trim());
}
