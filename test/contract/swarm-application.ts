import { pinnedReference } from "@belay/core";
import { attempt } from "./attempt.ts";
import type { SwarmSettings } from "./open-swarm.ts";
import { createReleases } from "./release-of.ts";
import { ALSO_GONE, type ApplicationStand, cannot, type Hand, oneOf } from "./stand.ts";
import type { SwarmServices } from "./swarm-services.ts";

/** Services of a swarm as {@link ApplicationStand}. `removed` is called when they are. */
export function createSwarmApplication(services: SwarmServices, removed: () => Promise<void>): ApplicationStand {
  const { scope, engine, onlyExisting } = services;
  const settings = (): SwarmSettings => ({
    ...{ env: engine.env, scope, files: services.files },
    services: Object.keys(services.definitions),
  });
  return {
    scope,
    onlyExisting,
    define: (definitions) => services.define(definitions),
    release: createReleases(services.images),
    opener: () => ({ module: new URL("open-swarm.ts", import.meta.url).href, settings: settings() }),
    hand: handOf(services),
    observer: {
      script: new URL("observer-swarm.ts", import.meta.url).href,
      settings: { env: engine.env, stack: scope.project },
    },
    identity: (variant) => services.images.identity(variant),
    remove: async () => {
      await services.remove();
      await removed();
    },
  };
}

function handOf(services: SwarmServices): Hand {
  const { engine } = services;
  const update = async (name: string, ...args: string[]): Promise<void> => {
    await services.docker("service", "update", "--detach", "--no-resolve-image", ...args, services.fullName(name));
    await services.settled(name);
  };
  return {
    up: (variants) => services.up(variants),
    scale: async (name, replicas) => {
      await services.docker("service", "scale", "--detach", `${services.fullName(name)}=${replicas}`);
      await services.settled(name);
    },
    delete: async (name) => {
      await services.docker("service", "rm", services.fullName(name));
    },
    note: (name, value) => update(name, "--env-add", `NOTE=${value}`),
    update: async (name, variant) => update(name, "--image", await services.pin(variant)),
    attempt: async (name, variant, patienceMs) => {
      const image = await services.pin(variant);
      const way = ["--update-failure-action", "rollback", "--update-order", "start-first", "--update-parallelism", "1"];
      const args = ["service", "update", "--no-resolve-image", ...way, "--image", image, services.fullName(name)];
      return attempt("docker", args, { env: engine.env, patienceMs });
    },
    loseConfig: (name) => services.loseConfig(name),
    sicken: async (name) => {
      const ids = await services.containers(name);
      const all = ids.map((id) => engine.docker(["exec", id, "rm", "/www/healthz"], ALSO_GONE));
      await oneOf(`making ${name} ill`, all);
    },
    loseImage: async (_name, variant) => {
      await services.images.lose(variant);
      const reference = pinnedReference(await services.images.identity(variant)) ?? "";
      // The engine takes the name away, and then says that the image itself stays under what runs.
      await engine.docker(["image", "rm", "--force", reference], { allowedExitCodes: [0, 1] });
    },
    kill: async (name) => {
      await services.docker("rm", "--force", ...(await services.containers(name)));
    },
    allowNoMore: () => cannot("a quota"),
  };
}
