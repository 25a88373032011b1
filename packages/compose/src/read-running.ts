import { LABELS, mapBounded, type RunningService, scopeHash } from "@belay/core";
import { type ComposeContainer, isLive } from "./containers/compose-container.ts";
import { FILES_LABEL } from "./files/kept-files.ts";
import type { TargetState } from "./target-state.ts";
import { asReadBack } from "./way-back/snapshot-members.ts";

const AT_ONCE = 8;

/**
 * What runs of each service of `belay.yaml`, read now, and of those that this scope brought and that have left it. A
 * service without containers is left out.
 */
export async function readRunning(state: TargetState): Promise<readonly RunningService[]> {
  const { services: named, scope } = state.options;
  const containers = await state.watch.read(undefined, "judged");
  const names = new Set(Object.values(named).map(({ name }) => name));
  const hash = scopeHash(scope);
  const ours = containers.filter((one) => one.scope === hash && !names.has(one.service));
  const left = [...new Set(ours.map((one) => one.service))].map((name) => [name, { name }] as const);
  const byName = Map.groupBy(containers, ({ service }) => service);
  const before = new Map(state.restoring?.services.map((one) => [one.service, one]));
  const all = [...Object.entries(named), ...left];
  const services = await mapBounded(all, AT_ONCE, undefined, async ([service, { name }]) => {
    const own = byName.get(name) ?? [];
    const was = before.get(service);
    const shown = was === undefined ? own : asReadBack(own, was, state.restoring?.at);
    return shown.length === 0 ? [] : [await summarise(state, service, name, shown)];
  });
  return services.flat();
}

async function summarise(
  state: TargetState,
  service: string,
  name: string,
  containers: readonly ComposeContainer[],
): Promise<RunningService> {
  const live = containers.filter(isLive);
  const shown = live.length > 0 ? live : containers;
  const serving = servingRevision(name, shown);
  const shows = serving.reduce((a, b) => (b.createdAt > a.createdAt ? b : a));
  // What is said of the service is read whole, whatever the listing told.
  const [youngest = shows] = await state.watch.readExactly([shows.id]);
  const { Image, Config } = youngest.inspect;
  const image = await state.images.find(Image);
  const commit = image?.Config?.Labels?.["org.opencontainers.image.revision"];
  const { deployment, release } = youngest;
  return {
    service,
    name,
    revision: shows.revision,
    image: Config.Image ?? Image,
    digests: await state.images.digests(Image),
    ready: serving.filter(isReady).length,
    desired: serving.length,
    ...(deployment === undefined ? {} : { deployment }),
    ...(release === undefined ? {} : { release }),
    since: new Date(youngest.createdAt).toISOString(),
    ...(commit === undefined ? {} : { labelledCommit: commit }),
  };
}

/**
 * The containers of one revision, the one that serves: clients reach it by the service's name in as many networks as any
 * other, most of it is ready, and of two alike it is the younger. What a failed deployment left has no name yet.
 */
export function servingRevision(name: string, containers: readonly ComposeContainer[]): readonly ComposeContainer[] {
  const places = (one: ComposeContainer): number =>
    Object.values(one.inspect.NetworkSettings.Networks).filter(({ Aliases }) => Aliases?.includes(name)).length;
  const most = Math.max(0, ...containers.map(places));
  const ranked = [...Map.groupBy(containers, ({ revision }) => revision).values()].map((own) => ({
    own,
    rank: [
      own.filter((one) => places(one) === most && isReady(one)).length,
      own.filter((one) => places(one) === most).length,
      Math.max(...own.map(({ createdAt }) => createdAt)),
    ] as const,
  }));
  ranked.sort((a, b) => b.rank[0] - a.rank[0] || b.rank[1] - a.rank[1] || b.rank[2] - a.rank[2]);
  return ranked[0]?.own ?? [];
}

function isReady({ inspect: { State } }: ComposeContainer): boolean {
  const health = State.Health?.Status ?? "none";
  return State.Running && !State.Restarting && !State.Paused && (health === "none" || health === "healthy");
}

/** Labels of Belay on a container: what a coherent compose command has to repeat. */
export function belayLabelsOf(container: ComposeContainer): Record<string, string> {
  const own = new Set<string>([...Object.values(LABELS), FILES_LABEL]);
  const labels = Object.entries(container.inspect.Config.Labels ?? {}).filter(([key]) => own.has(key));
  return Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
}
