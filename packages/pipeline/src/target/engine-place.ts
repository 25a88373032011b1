import type { ComposeTarget, SwarmTarget } from "@belay/config";
import type { PipelineContext } from "../run/context.ts";

/** Where a Docker engine is, as belay.yaml or an input says it. */
export type EnginePlace = Pick<ComposeTarget | SwarmTarget, "context" | "host">;

/** For the engine's client. */
export function placeOptions({ context, host }: EnginePlace): EnginePlace {
  return { ...(context && { context }), ...(host && { host }) };
}

/** Whether the engine runs on this machine: its address is a socket of the file system. */
export async function isLocal(context: PipelineContext, place: EnginePlace): Promise<boolean> {
  const given = place.host ?? (place.context === undefined ? context.env.DOCKER_HOST : undefined);
  if (given !== undefined && given !== "") return /^(unix|npipe):/.test(given);
  const format = "{{.Endpoints.docker.Host}}";
  const names = place.context === undefined ? [] : [place.context];
  const { stdout } = await context.runner("docker", ["context", "inspect", ...names, "--format", format], {
    doing: "asking where the docker context leads",
    signal: context.signal,
  });
  return /^(unix|npipe):/.test(stdout.trim());
}
