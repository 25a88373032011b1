import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pinnedReference, type Scope, scopeHash } from "@belay/core";
import { type AttachedEngine, beManager, startRegistry, temporaryFolder, useEngine, waitUntil } from "@belay/testkit";
import { attempt } from "./attempt.ts";
import { type ImageCatalogue, openCatalogue } from "./images.ts";
import type { SwarmSettings } from "./open-swarm.ts";
import { createReleases } from "./release-of.ts";
import {
  type ApplicationStand,
  cannot,
  type Definitions,
  type EngineStand,
  type Hand,
  type Variants,
} from "./stand.ts";
import { titled } from "./titled.ts";

const IMPOSSIBLE: EngineStand["impossible"] = {
  quota: "a swarm has no quotas",
  "quota that a terminating pod still holds": "a swarm has no quotas",
  "quota that a terminating pod still holds, bad": "a swarm has no quotas",
};

/** Stacks on a swarm of one node, the engine of the rig, their images in a registry of its own. */
export async function openSwarmStand(): Promise<EngineStand> {
  await using started = new AsyncDisposableStack();
  const engine = started.use(await useEngine());
  await beManager(engine);
  const registry = started.use(await startRegistry());
  const images = await openCatalogue(registry);
  const open = new Set<ApplicationStand>();
  const rigs = started.move();
  return {
    kind: "swarm",
    title: titled("Swarm, whole stack"),
    impossible: IMPOSSIBLE,
    application: async (name) => {
      const folder = await temporaryFolder("belay-contract");
      const application = createStackApplication(new Stack(engine, images, name, folder.path), async () => {
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

const PATIENCE = { withinMs: 90_000 };

/** A stack with its file. This kernel has no IPVS, so services are found by their tasks' addresses (`dnsrr`). */
export class Stack {
  readonly engine: AttachedEngine;
  readonly images: ImageCatalogue;
  readonly scope: Scope;
  readonly folder: string;
  definitions: Definitions = {};
  /** What the file names as images. */
  variants: Variants = {};

  constructor(engine: AttachedEngine, images: ImageCatalogue, name: string, folder: string) {
    this.engine = engine;
    this.images = images;
    this.folder = folder;
    this.scope = { target: "swarm", project: name, application: "shop", environment: "test" };
  }

  get file(): string {
    return join(this.folder, "stack.yaml");
  }

  async write(definitions: Definitions, variants: Variants): Promise<void> {
    this.definitions = definitions;
    this.variants = variants;
    const names = Object.keys(definitions);
    const services = await Promise.all(names.map(async (name) => [name, await this.#service(name)] as const));
    for (const name of names.filter((one) => definitions[one]?.config)) {
      await writeFile(this.#configFile(name), "greeting: hello\n");
    }
    await writeFile(this.file, JSON.stringify({ version: "3.8", services: Object.fromEntries(services) }, null, 2));
  }

  /** The swarm keeps a config as long as a service refers to it, so what can get lost is a file of the node. */
  loseConfig(service: string): Promise<void> {
    return rm(this.#configFile(service));
  }

  #configFile(service: string): string {
    return join(this.folder, `${service}.conf`);
  }

  async #service(name: string): Promise<object> {
    const { replicas, env, memory, goal, dependsOn = [], config, nowhere, stopFirst } = this.definitions[name] ?? {};
    const image = await this.images.identity(this.variants[name] ?? "good1");
    return {
      image: pinnedReference(image),
      stop_grace_period: `${stopFirst?.graceS ?? 1}s`,
      ...(env && { environment: env }),
      ...(dependsOn.length > 0 && { depends_on: dependsOn }),
      ...(config && {
        volumes: [{ type: "bind", source: this.#configFile(name), target: "/etc/shop.conf", read_only: true }],
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

  fullName(service: string): string {
    return `${this.scope.project}_${service}`;
  }

  async deploy(): Promise<void> {
    const args = ["stack", "deploy", "--detach=true", "--resolve-image", "never", "-c", this.file, this.scope.project];
    await this.engine.docker(args);
    for (const service of Object.keys(this.definitions)) await this.settled(service);
  }

  /** All its tasks are of the present spec and run, or have run. */
  async settled(service: string): Promise<void> {
    const { goal } = this.definitions[service] ?? {};
    const wanted = goal === "complete" ? "Complete" : "Running";
    const done = async (): Promise<boolean> => {
      const name = this.fullName(service);
      const inspected = await this.engine.docker(["service", "inspect", name]);
      const [{ Spec, UpdateStatus }] = JSON.parse(inspected.stdout) as [ServiceShown];
      const format = "{{.DesiredState}}|{{.CurrentState}}|{{.Image}}";
      const { stdout } = await this.engine.docker(["service", "ps", "--no-trunc", "--format", format, name]);
      const image = Spec.TaskTemplate.ContainerSpec.Image;
      const rows = stdout.split("\n").filter((line) => line !== "");
      const right = rows.filter(
        (row) =>
          row.includes(`|${wanted} `) &&
          row.endsWith(`|${image}`) &&
          (goal === "complete" || row.startsWith("Running|")),
      );
      const others = rows.filter((row) => row.startsWith("Running|") && !row.endsWith(`|${image}`));
      const count = Spec.Mode.Replicated?.Replicas ?? 1;
      return UpdateStatus?.State !== "updating" && right.length >= count && others.length === 0;
    };
    await waitUntil(`${service} is as it was told by hand`, done, PATIENCE);
  }

  async containers(service: string): Promise<string[]> {
    const filter = `label=com.docker.swarm.service.name=${this.fullName(service)}`;
    const { stdout } = await this.engine.docker(["ps", "-q", "--filter", filter]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  async remove(): Promise<void> {
    await this.engine.docker(["stack", "rm", this.scope.project], { allowedExitCodes: [0, 1] });
    const label = `label=dev.belay.scope=${scopeHash(this.scope)}`;
    const { stdout } = await this.engine.docker(["config", "ls", "-q", "--filter", label]);
    const records = stdout.split("\n").filter((line) => line !== "");
    if (records.length > 0) await this.engine.docker(["config", "rm", ...records]);
  }
}

interface ServiceShown {
  readonly Spec: {
    readonly TaskTemplate: { readonly ContainerSpec: { readonly Image: string } };
    readonly Mode: { readonly Replicated?: { readonly Replicas: number } };
  };
  readonly UpdateStatus?: { readonly State?: string };
}

/** A stack as {@link ApplicationStand}. */
export function createStackApplication(stack: Stack, removed: () => Promise<void>): ApplicationStand {
  const { scope, engine } = stack;
  const releaseOf = createReleases(stack.images);
  const settings = (): SwarmSettings => ({
    ...{ env: engine.env, scope, files: [stack.file] },
    services: Object.keys(stack.definitions),
  });
  return {
    scope,
    define: (services) => stack.write(services, stack.variants),
    release: releaseOf,
    opener: () => ({ module: new URL("open-swarm.ts", import.meta.url).href, settings: settings() }),
    hand: handOf(stack),
    observer: {
      script: new URL("observer-swarm.ts", import.meta.url).href,
      settings: { env: engine.env, stack: scope.project },
    },
    identity: (variant) => stack.images.identity(variant),
    remove: async () => {
      await stack.remove();
      await removed();
    },
  };
}

function handOf(stack: Stack): Hand {
  const { engine } = stack;
  const service = async (name: string, ...args: string[]): Promise<void> => {
    await engine.docker(["service", ...args, stack.fullName(name)]);
    await stack.settled(name);
  };
  return {
    up: async (variants) => {
      await stack.write(stack.definitions, variants);
      await stack.deploy();
    },
    scale: async (name, replicas) => {
      await engine.docker(["service", "scale", "--detach", `${stack.fullName(name)}=${replicas}`]);
      await stack.settled(name);
    },
    delete: async (name) => {
      await engine.docker(["service", "rm", stack.fullName(name)]);
    },
    note: (name, value) => service(name, "update", "--detach", "--env-add", `NOTE=${value}`),
    update: async (name, variant) => {
      const image = pinnedReference(await stack.images.identity(variant)) ?? "";
      await service(name, "update", "--detach", "--no-resolve-image", "--image", image);
    },
    attempt: async (name, variant, patienceMs) => {
      const image = pinnedReference(await stack.images.identity(variant)) ?? "";
      const way = ["--update-failure-action", "rollback", "--update-order", "start-first", "--update-parallelism", "1"];
      const args = ["service", "update", "--no-resolve-image", ...way, "--image", image, stack.fullName(name)];
      return attempt("docker", args, { env: engine.env, patienceMs });
    },
    loseConfig: (name) => stack.loseConfig(name),
    kill: async (name) => {
      await engine.docker(["rm", "--force", ...(await stack.containers(name))]);
    },
    allowNoMore: () => cannot("a quota"),
  };
}
