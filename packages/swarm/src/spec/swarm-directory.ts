import type { Docker, NetworkInspect, Service } from "@belay/docker";
import type { NetworkNames } from "./normal-spec.ts";

type Bounds = { readonly signal?: AbortSignal | undefined };

/** What of the swarm is looked up by name. */
export class SwarmDirectory {
  readonly #docker: Docker;
  #networks: NetworkNames = new Map();

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  /** Names of networks by id, as they were when one was last unknown. */
  get networks(): NetworkNames {
    return this.#networks;
  }

  /** The services with these names; those that don't exist are left out. */
  async services(names: readonly string[], bounds: Bounds = {}): Promise<Service[]> {
    if (names.length === 0) return [];
    // The engine's filter is a prefix.
    const found = await this.#docker.services.list({ filters: { name: names } }, options(bounds));
    const wanted = new Set(names);
    const own = found.filter(({ Spec }) => wanted.has(Spec.Name));
    await this.#learnNetworks(own, bounds);
    return own;
  }

  async service(name: string, bounds: Bounds = {}): Promise<Service | undefined> {
    return (await this.services([name], bounds))[0];
  }

  async all(bounds: Bounds = {}): Promise<Service[]> {
    const found = await this.#docker.services.list({}, options(bounds));
    await this.#learnNetworks(found, bounds);
    return found;
  }

  /** Reads the networks anew: after some were made. */
  async renewNetworks(bounds: Bounds = {}): Promise<void> {
    this.learnNetworks(await this.#docker.networks.list({ filters: { scope: ["swarm"] } }, options(bounds)));
  }

  /** As {@link renewNetworks}, from a list of all that was just read. */
  learnNetworks(listed: readonly NetworkInspect[]): void {
    this.#networks = new Map(listed.map(({ Id, Name }) => [Id, Name]));
  }

  async #learnNetworks(services: readonly Service[], bounds: Bounds): Promise<void> {
    const used = services.flatMap(({ Spec }) => (Spec.TaskTemplate.Networks ?? []).map(({ Target }) => Target));
    if (used.some((id) => !this.#networks.has(id))) await this.renewNetworks(bounds);
  }
}

function options({ signal }: Bounds): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
