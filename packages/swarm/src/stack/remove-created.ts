import { type Clock, LABELS, type Log } from "@belay/core";
import type { CreatedSince } from "../desired.ts";
import { type Client, deploymentOf, filesOf, removeQuietly } from "./stack-resources.ts";

/** How long a network may take to go, in milliseconds: until the last container in it has ended. */
const GONE_MS = 30_000;
const GONE_EVERY_MS = 250;

/**
 * The way back of a stack's networks, configs and secrets: removes those that deployments after `newerThan` made in this
 * scope. What is in use stays. Safe to repeat.
 *
 * The manager forgets a network at once, its node only with the last container in it, and shows it till then. Whoever plans
 * meanwhile takes it for one that is there ("network … not found" is the answer then), so it is waited for.
 */
export async function removeCreated(
  docker: Client,
  query: CreatedSince,
  { clock, log }: { readonly clock: Clock; readonly log?: Log },
  signal: AbortSignal,
): Promise<void> {
  const filters = { label: [`${LABELS.scope}=${query.scope}`] };
  const isNewer = (of: Parameters<typeof deploymentOf>[0]): boolean => (deploymentOf(of) ?? 0) > query.newerThan;
  const [configs, secrets, networks] = await Promise.all([
    filesOf(docker, "config").list({ filters }, { signal }),
    filesOf(docker, "secret").list({ filters }, { signal }),
    docker.networks.list({ filters }, { signal }),
  ]);
  for (const [kind, files] of [["config", configs] as const, ["secret", secrets] as const]) {
    const api = filesOf(docker, kind);
    for (const { ID, Spec } of files.filter((file) => isNewer(file.Spec))) {
      await removeQuietly(`the ${kind} ${Spec.Name}`, () => api.remove(ID, { signal }), log);
    }
  }
  const going = new Set<string>();
  for (const { Id, Name } of networks.filter(isNewer)) {
    const gone = await removeQuietly(`the network ${Name}`, () => docker.networks.remove(Id, { signal }), log);
    if (gone) going.add(Id);
  }
  const until = clock.now() + GONE_MS;
  const isShown = async (): Promise<boolean> => {
    const shown = await docker.networks.list({ filters }, { signal });
    return shown.some(({ Id }) => going.has(Id));
  };
  while (going.size > 0 && clock.now() < until && (await isShown())) await clock.sleep(GONE_EVERY_MS, signal);
}
