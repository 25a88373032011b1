import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beManager, startRegistry, temporaryFolder, useEngine } from "@belay/testkit";
import { openCatalogue } from "./images.ts";
import type { ApplicationStand, Definitions, EngineStand, Variants } from "./stand.ts";
import { createSwarmApplication } from "./swarm-application.ts";
import { SwarmServices } from "./swarm-services.ts";
import { titled } from "./titled.ts";

const NO_QUOTAS: EngineStand["impossible"] = {
  quota: "a swarm has no quotas",
  "quota that a terminating pod still holds": "a swarm has no quotas",
  "quota that a terminating pod still holds, bad": "a swarm has no quotas",
};

/** Stacks on a swarm of one node, the engine of the rig, their images in a registry of its own. */
export function openSwarmStand(): Promise<EngineStand> {
  return openSwarm({ title: "Swarm, whole stack", impossible: {}, kind: Stack });
}

interface SwarmKind {
  readonly title: string;
  /** Besides what no swarm can do. */
  readonly impossible: EngineStand["impossible"];
  readonly kind: new (...args: ConstructorParameters<typeof SwarmServices>) => SwarmServices;
}

/** Applications on a swarm of one node, whose services are of one kind. */
export async function openSwarm({ title, impossible, kind: Kind }: SwarmKind): Promise<EngineStand> {
  await using started = new AsyncDisposableStack();
  const engine = started.use(await useEngine());
  await beManager(engine);
  const registry = started.use(await startRegistry());
  const images = await openCatalogue(registry);
  const open = new Set<ApplicationStand>();
  const rigs = started.move();
  return {
    kind: "swarm",
    title: titled(title),
    impossible: { ...NO_QUOTAS, ...impossible },
    application: async (name) => {
      const folder = await temporaryFolder("belay-contract");
      const application = createSwarmApplication(new Kind(engine, images, name, folder.path), async () => {
        open.delete(application);
        await folder.remove();
      });
      open.add(application);
      return application;
    },
    stop: async () => {
      for (const application of open) await application.remove();
      await rigs.disposeAsync();
    },
  };
}

/** A stack with its file. This kernel has no IPVS, so services are found by their tasks' addresses (`dnsrr`). */
export class Stack extends SwarmServices {
  readonly onlyExisting = false;
  /** What the file names as images. */
  #variants: Variants = {};

  get #file(): string {
    return join(this.folder, "stack.yaml");
  }

  get files(): readonly string[] {
    return [this.#file];
  }

  async define(definitions: Definitions): Promise<void> {
    this.definitions = definitions;
    const names = Object.keys(definitions);
    const services = await Promise.all(names.map(async (name) => [name, await this.#service(name)] as const));
    await this.writeConfigs();
    await writeFile(this.#file, JSON.stringify({ version: "3.8", services: Object.fromEntries(services) }, null, 2));
  }

  async #service(name: string): Promise<object> {
    const { replicas, env, memory, goal, dependsOn = [], config, nowhere, stopFirst } = this.definitions[name] ?? {};
    return {
      image: await this.pin(this.#variants[name] ?? "good1"),
      stop_grace_period: `${stopFirst?.graceS ?? 1}s`,
      ...(env && { environment: env }),
      ...(dependsOn.length > 0 && { depends_on: dependsOn }),
      ...(config && {
        volumes: [{ type: "bind", source: this.configFile(name), target: "/etc/shop.conf", read_only: true }],
      }),
      deploy: {
        endpoint_mode: "dnsrr",
        update_config: { order: stopFirst === undefined ? "start-first" : "stop-first", parallelism: 1 },
        restart_policy: goal === "complete" ? { condition: "none" } : { delay: "500ms" },
        ...(replicas === undefined ? {} : { replicas }),
        ...(memory && { resources: { limits: { memory: String(memory) } } }),
        // Constraints that no node meets are refused beforehand; how much is free on which node only the engine knows.
        ...(nowhere && { resources: { reservations: { memory: "1000G" } } }),
      },
    };
  }

  async up(variants: Variants): Promise<void> {
    this.#variants = variants;
    await this.define(this.definitions);
    const { project } = this.scope;
    await this.docker("stack", "deploy", "--detach=true", "--resolve-image", "never", "-c", this.#file, project);
    for (const service of Object.keys(this.definitions)) await this.settled(service);
  }

  protected async removeServices(): Promise<void> {
    await this.engine.docker(["stack", "rm", this.scope.project], { allowedExitCodes: [0, 1] });
  }
}
