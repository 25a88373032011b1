import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pinnedReference, type Scope, scopeHash } from "@belay/core";
import { type AttachedEngine, startRegistry, temporaryFolder, useEngine, waitUntil } from "@belay/testkit";
import { attempt } from "./attempt.ts";
import { type ImageCatalogue, openCatalogue } from "./images.ts";
import type { ComposeSettings } from "./open-compose.ts";
import { createReleases } from "./release-of.ts";
import {
  ALSO_GONE,
  type ApplicationStand,
  type Definitions,
  type EngineStand,
  type Hand,
  oneOf,
  type ServiceDefinition,
  type Variants,
} from "./stand.ts";
import { titled } from "./titled.ts";

const IMPOSSIBLE: EngineStand["impossible"] = {
  unschedulable: "one engine has no scheduler: every container goes to it",
  quota: "a Docker engine has no quotas",
  "quota that a terminating pod still holds": "a Docker engine has no quotas",
  "quota that a terminating pod still holds, bad": "a Docker engine has no quotas",
};

/**
 * Docker Compose on the engine of the rig, its images in a registry of its own. `through`: another way to it, for what
 * Belay and `hand.attempt` ask.
 */
export async function openComposeStand(
  through: (engine: AttachedEngine) => Promise<AttachedEngine> = async (engine) => engine,
): Promise<EngineStand> {
  await using started = new AsyncDisposableStack();
  const engine = await through(started.use(await useEngine()));
  const registry = started.use(await startRegistry());
  const images = await openCatalogue(registry);
  const open = new Set<ApplicationStand>();
  const rigs = started.move();
  return {
    kind: "compose",
    title: titled("Compose"),
    impossible: IMPOSSIBLE,
    application: async (name) => {
      const folder = await temporaryFolder("belay-contract");
      const application = createApplication(new Project(engine, images, name, folder.path), async () => {
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

/** A compose project with its file. */
class Project {
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
    this.scope = { target: "compose", project: name, application: "shop", environment: "test" };
  }

  async write(definitions: Definitions, variants: Variants): Promise<void> {
    this.definitions = definitions;
    this.variants = variants;
    const names = Object.keys(definitions);
    const services = await Promise.all(names.map(async (name) => [name, await this.#service(name)] as const));
    const configured = names.filter((name) => definitions[name]?.config);
    for (const name of configured) await writeFile(this.#configFile(name), "greeting: hello\n");
    const configs = Object.fromEntries(configured.map((name) => [name, { file: this.#configFile(name) }]));
    const file = { services: Object.fromEntries(services), configs };
    await writeFile(join(this.folder, "compose.yaml"), JSON.stringify(file, null, 2));
  }

  loseConfig(service: string): Promise<void> {
    return rm(this.#configFile(service));
  }

  #configFile(service: string): string {
    return join(this.folder, `${service}.conf`);
  }

  async #service(name: string): Promise<object> {
    const { replicas, env, memory, goal, dependsOn = [], config, alone } = this.definitions[name] ?? {};
    const image = await this.images.identity(this.variants[name] ?? "good1");
    const conditions = dependsOn.map((other) => [other, { condition: conditionOf(this.definitions[other]) }]);
    return {
      image: pinnedReference(image),
      stop_grace_period: "1s",
      restart: goal === "complete" ? "no" : "unless-stopped",
      ...(env && { environment: env }),
      ...(memory && { mem_limit: memory }),
      ...(replicas === undefined ? {} : { deploy: { replicas } }),
      ...(dependsOn.length > 0 && { depends_on: Object.fromEntries(conditions) }),
      ...(alone === "name" && { container_name: `${this.scope.project}-the-${name}` }),
      ...(typeof alone === "object" && { ports: [`127.0.0.1:${alone.port}:8080`] }),
      ...(config && { configs: [{ source: name, target: "/etc/shop.conf" }] }),
    };
  }

  async compose(...args: string[]): Promise<void> {
    await this.engine.docker(["compose", "-p", this.scope.project, ...args], { cwd: this.folder });
  }

  /** `--wait` takes the end of a one-shot for a failure, so what is waited for is named. */
  async up(...args: string[]): Promise<void> {
    const lasting = Object.keys(this.definitions).filter((name) => this.definitions[name]?.goal !== "complete");
    await this.compose("up", "-d", "--wait", ...args, ...lasting);
  }

  async ids(service: string): Promise<string[]> {
    const labels = [
      `label=com.docker.compose.project=${this.scope.project}`,
      `label=com.docker.compose.service=${service}`,
    ];
    const { stdout } = await this.engine.docker(["ps", "-q", ...labels.flatMap((one) => ["--filter", one])]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** No engine removes an image under a container that runs, but under one that is stopped it does, and starts that again. */
  async loseImage(service: string): Promise<void> {
    const ids = await this.ids(service);
    const { stdout: images } = await this.engine.docker(["inspect", "--format", "{{.Image}}", ...ids]);
    await this.engine.docker(["stop", "--time", "1", ...ids]);
    // By its name alone, containerd's store would keep it for the container.
    await this.engine.docker(["image", "rm", "--force", ...new Set(images.trim().split("\n"))]);
    await this.engine.docker(["start", ...ids]);
    const healthy = async (): Promise<boolean> => {
      const { stdout } = await this.engine.docker(["inspect", "--format", "{{.State.Health.Status}}", ...ids]);
      return stdout
        .trim()
        .split("\n")
        .every((status) => status === "healthy");
    };
    await waitUntil(`${service} is healthy again`, healthy, { withinMs: 90_000, everyMs: 200 });
  }

  async remove(): Promise<void> {
    await this.compose("down", "--volumes", "--timeout", "0", "--remove-orphans");
    const prefix = `belay.${scopeHash(this.scope)}.`;
    const { stdout } = await this.engine.docker(["volume", "ls", "-q", "--filter", `name=${prefix}`]);
    const records = stdout.split("\n").filter((line) => line.startsWith(prefix));
    if (records.length > 0) await this.engine.docker(["volume", "rm", "--force", ...records]);
  }
}

function conditionOf(definition: ServiceDefinition | undefined): string {
  return definition?.goal === "complete" ? "service_completed_successfully" : "service_started";
}

function createApplication(project: Project, removed: () => Promise<void>): ApplicationStand {
  const { scope, engine } = project;
  const releaseOf = createReleases(project.images);
  const settings = (): ComposeSettings => ({
    ...{ env: engine.env, scope, folder: project.folder },
    services: Object.keys(project.definitions),
  });
  return {
    scope,
    define: (services) => project.write(services, project.variants),
    release: releaseOf,
    opener: () => ({ module: new URL("open-compose.ts", import.meta.url).href, settings: settings() }),
    hand: handOf(project),
    observer: {
      script: new URL("observer-docker.ts", import.meta.url).href,
      settings: { env: engine.env, project: scope.project },
    },
    identity: (variant) => project.images.identity(variant),
    url: async (service) => {
      const [id = ""] = await project.ids(service);
      const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
      const { stdout } = await engine.docker(["inspect", "--format", format, id]);
      return `http://${stdout.trim().split(" ")[0]}:8080/`;
    },
    remove: async () => {
      await project.remove();
      await removed();
    },
  };
}

function handOf(project: Project): Hand {
  const change = async (definitions: Definitions, variants: Variants, service: string): Promise<void> => {
    await project.write(definitions, variants);
    await project.compose("up", "-d", "--wait", "--no-deps", service);
  };
  return {
    up: async (variants) => {
      await project.write(project.definitions, variants);
      await project.up();
    },
    scale: (service, replicas) => project.up("--no-recreate", "--scale", `${service}=${replicas}`),
    delete: (service) => project.compose("rm", "--stop", "--force", service),
    note: (service, value) => {
      const own = project.definitions[service] ?? {};
      const changed = { ...own, env: { ...own.env, NOTE: value } };
      return change({ ...project.definitions, [service]: changed }, project.variants, service);
    },
    update: (service, variant) => change(project.definitions, { ...project.variants, [service]: variant }, service),
    attempt: async (service, variant, patienceMs) => {
      await project.write(project.definitions, { ...project.variants, [service]: variant });
      const args = ["compose", "-p", project.scope.project, "up", "-d", "--wait", "--no-deps", service];
      return attempt("docker", args, { env: project.engine.env, cwd: project.folder, patienceMs });
    },
    loseConfig: (service) => project.loseConfig(service),
    sicken: async (service) => {
      const ids = await project.ids(service);
      const all = ids.map((id) => project.engine.docker(["exec", id, "rm", "/www/healthz"], ALSO_GONE));
      await oneOf(`making ${service} ill`, all);
    },
    loseImage: async (service, variant) => {
      await project.images.lose(variant);
      await project.loseImage(service);
    },
    kill: (service) => {
      const isGone = async (): Promise<boolean> => {
        const ids = await project.ids(service);
        if (ids.length > 0) await project.engine.docker(["rm", "--force", ...ids], { allowedExitCodes: [0, 1] });
        return ids.length === 0;
      };
      // An engine that is just starting one of them again may hear of its end too late, and say that it could not end it.
      return waitUntil(`no container of ${service} runs`, isGone, { withinMs: 60_000, everyMs: 300 });
    },
    allowNoMore: () => Promise.reject(new Error("a Docker engine has no quotas")),
  };
}
