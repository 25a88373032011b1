import { isConflict, type NetworkInspect } from "@belay/docker";
import type { NetworkSnapshot } from "../spec/snapshot.ts";
import type { TargetState } from "../target-state.ts";

/** Id in the snapshot → id now. A network that was removed since is made again. */
export async function restoreNetworks(
  state: TargetState,
  networks: readonly NetworkSnapshot[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  if (networks.length === 0) return new Map();
  const list = (): Promise<NetworkInspect[]> =>
    state.docker.networks.list({ filters: { scope: ["swarm"] } }, { signal });
  let listed = await list();
  for (const { id, body } of networks) {
    if (listed.some(({ Id, Name }) => Id === id || Name === body.Name)) continue;
    state.options.log.info(`making the network ${body.Name} again`);
    try {
      await state.docker.networks.create(body, { signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    listed = await list();
  }
  state.directory.learnNetworks(listed);
  const ids = new Set(listed.map(({ Id }) => Id));
  return new Map(
    networks.map(({ id, body }) => {
      return [id, ids.has(id) ? id : (listed.find(({ Name }) => Name === body.Name)?.Id ?? id)];
    }),
  );
}
