import { LABELS, type Log } from "@belay/core";
import type { CreatedSince } from "../desired.ts";
import { type Client, deploymentOf, filesOf, removeQuietly } from "./stack-resources.ts";

/**
 * The way back of a stack's networks, configs and secrets: removes those that deployments after `newerThan` made in this
 * scope. What is in use stays. Safe to repeat.
 */
export async function removeCreated(
  docker: Client,
  query: CreatedSince,
  signal: AbortSignal,
  log?: Log,
): Promise<void> {
  const filters = { label: [`${LABELS.scope}=${query.scope}`] };
  const isNewer = (of: Parameters<typeof deploymentOf>[0]): boolean => (deploymentOf(of) ?? 0) > query.newerThan;
  for (const kind of ["config", "secret"] as const) {
    const api = filesOf(docker, kind);
    const files = await api.list({ filters }, { signal });
    for (const { ID, Spec } of files.filter((file) => isNewer(file.Spec))) {
      await removeQuietly(`the ${kind} ${Spec.Name}`, () => api.remove(ID, { signal }), log);
    }
  }
  const networks = await docker.networks.list({ filters }, { signal });
  for (const { Id, Name } of networks.filter(isNewer)) {
    await removeQuietly(`the network ${Name}`, () => docker.networks.remove(Id, { signal }), log);
  }
}
