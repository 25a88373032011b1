import { type ComposeProject, dependencyClosure, resourceName } from "../files/compose-project.ts";

/**
 * In which networks new containers must stay nameless until they are proven.
 *
 * A container in plain Docker answers to its service's name from its start on, so a client would reach it before it
 * listens, and a bad release would get traffic. Belay therefore creates it without the name and gives it the name by
 * leaving the network and joining it again, which is the only way the engine offers. That has a price (measured on
 * 20.10): the container gets another address, and connections that it holds *in that network* (a pool of its database)
 * hang. The same address can't be asked for again: engines allow that only in networks with a subnet of the user's own
 * (where it was tried, connections lived on), and a container that keeps a fixed address may fail to start after a restart
 * of the engine, when another one has got it. So a network in which nobody but the service's own dependencies could be
 * asking for its name is left alone, and a container that holds connections in another one is started once more
 * (`give-names.ts`): that is why a separate network for the database is worth having.
 */
export interface HandOver {
  /** Keys of the networks to be left and joined again. */
  readonly networks: readonly string[];
  /** Dependencies of the service in those networks: connections to them would break at the hand-over. */
  readonly cuts: readonly string[];
  /** The service is found by labels and not by its name; nothing is handed over then. */
  readonly discoveredBy?: string;
}

/** `outsiders`: names (on the engine) of networks that hold containers of other projects. */
export function planHandOver(project: ComposeProject, name: string, outsiders: ReadonlySet<string>): HandOver {
  const service = project.services[name];
  if (service === undefined) return { networks: [], cuts: [] };
  const discoveredBy = discovery(service.labels ?? {}, service.environment ?? {});
  if (discoveredBy !== undefined) return { networks: [], cuts: [], discoveredBy };
  const dependencies = new Set(dependencyClosure(project, name));
  const mates = (key: string): string[] =>
    Object.entries(project.services)
      .filter(([other, one]) => other !== name && one.networks !== undefined && key in one.networks)
      .map(([other]) => other);
  const networks = Object.keys(service.networks ?? {}).filter(
    (key) =>
      project.networks?.[key]?.external === true ||
      outsiders.has(resourceName(project, "networks", key)) ||
      mates(key).some((other) => !dependencies.has(other)),
  );
  const cuts = networks.flatMap((key) => mates(key).filter((other) => dependencies.has(other)));
  return { networks, cuts: [...new Set(cuts)] };
}

/** Proxies that follow the engine's events send traffic to a container's address: changing it later would break them. */
function discovery(
  labels: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | null>>,
): string | undefined {
  const keys = Object.keys(labels);
  if (keys.some((key) => key.startsWith("traefik.")) && labels["traefik.enable"] !== "false") return "Traefik";
  if (keys.some((key) => key === "caddy" || /^caddy(_\d+)?(\.|$)/.test(key))) return "caddy-docker-proxy";
  if ("VIRTUAL_HOST" in environment) return "nginx-proxy";
  return undefined;
}

/** Names under which a container of a service answers in a network (compose, `getAliases`). */
export function serviceAliases(project: ComposeProject, name: string, network: string): string[] {
  return [name, ...(project.services[name]?.networks?.[network]?.aliases ?? [])];
}
