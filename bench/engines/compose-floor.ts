import { setTimeout as sleep } from "node:timers/promises";
import { pinnedReference } from "@belay/core";
import { type ContainerSummary, connectDocker, type Docker } from "@belay/docker";
import type { ApplicationStand } from "../../test/contract/stand.ts";

const LOOK_MS = 20;

/**
 * How fast the engine itself is with a release that crashes at its start, in seconds, by its API alone: containers beside
 * those that run, as many and made like them, started at once; at the first death all removed, until only the old ones are
 * there. No plan, no record, no evidence, no proof.
 */
export async function composeCrashFloor(app: ApplicationStand): Promise<number> {
  const { env, project } = app.observer.settings as { readonly env: Record<string, string>; readonly project: string };
  const docker = await connectDocker({ env });
  const list = (): Promise<ContainerSummary[]> =>
    docker.containers.list({ filters: { label: [`com.docker.compose.project=${project}`] } });
  try {
    const old = await list();
    const Image = pinnedReference(await app.identity("crash")) ?? "";
    await docker.images.pull(Image);
    const [sample] = old;
    if (sample === undefined) throw new Error(`nothing runs in ${project}`);
    const began = performance.now();
    const { Config, HostConfig, NetworkSettings } = await docker.containers.inspect(sample.Id);
    const [network = ""] = Object.keys(NetworkSettings.Networks);
    const EndpointsConfig = { [network]: { Aliases: ["web"] } };
    const { Hostname, Healthcheck, Cmd, ...config } = Config;
    const body = { ...config, Image, HostConfig: { ...HostConfig }, NetworkingConfig: { EndpointsConfig } };
    const dead = firstDeath(docker, project);
    const ids = await Promise.all(old.map((_, index) => docker.containers.create(`${project}-floor-${index}`, body)));
    await Promise.all(ids.map((id) => docker.containers.start(id)));
    await dead;
    await Promise.all(ids.map((id) => docker.containers.remove(id, { force: true })));
    while ((await list()).length > old.length) await sleep(LOOK_MS);
    return (performance.now() - began) / 1_000;
  } finally {
    await docker.close();
  }
}

async function firstDeath(docker: Docker, project: string): Promise<void> {
  const filters = { type: ["container"], event: ["die"], label: [`com.docker.compose.project=${project}`] };
  for await (const _event of docker.events({ filters, signal: AbortSignal.timeout(60_000) })) return;
}
