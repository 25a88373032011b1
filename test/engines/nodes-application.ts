import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pinnedReference, type Scope, scopeHash } from "@belay/core";
import { type SwarmNodeRig, type SwarmNodes, type TemporaryFolder, temporaryFolder, waitUntil } from "@belay/testkit";
import type { ImageCatalogue } from "../contract/images.ts";
import type { SwarmSettings } from "../contract/open-swarm.ts";
import { createReleases } from "../contract/release-of.ts";
import { type ApplicationStand, cannot, type Variants } from "../contract/stand.ts";

/** What the file says of a service under `deploy`. */
export type Deploy = Readonly<Record<string, unknown>>;

/** A stack on a swarm of several nodes, as the contract suite's trials want it. */
export class NodesApplication implements ApplicationStand {
  readonly scope: Scope;
  readonly nodes: Pick<SwarmNodes, "manager">;
  readonly images: ImageCatalogue;
  readonly release: ApplicationStand["release"];
  readonly #folder: TemporaryFolder;
  /** Module that opens the target. */
  module = new URL("../contract/open-swarm.ts", import.meta.url).href;
  #services: Readonly<Record<string, Deploy>> = {};

  private constructor(
    nodes: Pick<SwarmNodes, "manager">,
    images: ImageCatalogue,
    name: string,
    folder: TemporaryFolder,
  ) {
    this.nodes = nodes;
    this.images = images;
    this.scope = { target: "swarm", project: name, application: "shop", environment: "test" };
    this.release = createReleases(images);
    this.#folder = folder;
  }

  static async create(
    nodes: Pick<SwarmNodes, "manager">,
    images: ImageCatalogue,
    name: string,
  ): Promise<NodesApplication> {
    return new NodesApplication(nodes, images, name, await temporaryFolder("belay-nodes-test"));
  }

  get #file(): string {
    return join(this.#folder.path, "stack.yaml");
  }

  /** Writes the stack's file. */
  async write(services: Readonly<Record<string, Deploy>>, memory?: number): Promise<void> {
    this.#services = services;
    // The release puts its own image in.
    const image = pinnedReference(await this.images.identity("good1"));
    const limits = memory === undefined ? {} : { resources: { limits: { memory: String(memory) } } };
    const entries = Object.entries(services).map(([name, deploy]) => {
      const update_config = { order: "start-first", parallelism: 1, ...(deploy.update_config as object | undefined) };
      const common = { endpoint_mode: "dnsrr", restart_policy: { delay: "500ms" }, ...limits };
      return [name, { image, stop_grace_period: "1s", deploy: { ...common, ...deploy, update_config } }];
    });
    await writeFile(this.#file, JSON.stringify({ services: Object.fromEntries(entries) }, null, 2));
  }

  /** Writes the stack's file as it is given. `services`: those of belay.yaml. */
  async writeText(text: string, services: readonly string[]): Promise<void> {
    this.#services = Object.fromEntries(services.map((name) => [name, {}]));
    await writeFile(this.#file, text);
  }

  define(): Promise<void> {
    return cannot("a definition in neutral words");
  }

  opener() {
    const settings: SwarmSettings = {
      env: this.nodes.manager.engine.env,
      scope: this.scope,
      files: [this.#file],
      services: Object.keys(this.#services),
    };
    return { module: this.module, settings };
  }

  get hand(): ApplicationStand["hand"] {
    return cannot("a hand");
  }

  get observer() {
    const settings = { env: this.nodes.manager.engine.env, stack: this.scope.project };
    return { script: new URL("../contract/observer-swarm.ts", import.meta.url).href, settings };
  }

  identity(variant: Variants[string]) {
    return this.images.identity(variant);
  }

  /** Names of the nodes on which tasks of a service are to run, as the plain command line tells them, sorted. */
  async placesOf(service: string): Promise<string[]> {
    const filters = ["--filter", "desired-state=running", "--format", "{{.Node}} {{.CurrentState}}"];
    const name = `${this.scope.project}_${service}`;
    const { stdout } = await this.nodes.manager.engine.docker(["service", "ps", name, ...filters]);
    const rows = stdout.split("\n").filter((line) => line.includes(" Running "));
    return rows.map((row) => row.split(" ")[0] ?? "").sort();
  }

  /** What the plain command line shows of all its tasks. */
  async tasks(): Promise<string> {
    const format = "{{.ID}} {{.Name}} {{.Image}} {{.Node}} {{.DesiredState}} {{.CurrentState}} {{.Error}}";
    const { stdout } = await this.nodes.manager.engine.docker(["stack", "ps", "--format", format, this.scope.project]);
    return stdout;
  }

  /** Waits until a task of the variant's image runs. */
  async untilRuns(service: string, variant: Variants[string]): Promise<void> {
    const image = pinnedReference(await this.images.identity(variant)) ?? "";
    const args = ["service", "ps", `${this.scope.project}_${service}`, "--no-trunc", "--format"];
    const runs = async (): Promise<boolean> => {
      const { stdout } = await this.nodes.manager.engine.docker([...args, "{{.Image}} {{.CurrentState}}"]);
      return stdout.split("\n").some((row) => row.startsWith(`${image} Running`));
    };
    await waitUntil(`a task of ${variant} runs`, runs, { withinMs: 90_000, everyMs: 100 });
  }

  async remove(): Promise<void> {
    const { docker } = this.nodes.manager.engine;
    const call = docker.bind(this.nodes.manager.engine);
    await call(["stack", "rm", this.scope.project], { allowedExitCodes: [0, 1] });
    const { stdout } = await call(["config", "ls", "-q", "--filter", `label=dev.belay.scope=${scopeHash(this.scope)}`]);
    const records = stdout.split("\n").filter((line) => line !== "");
    if (records.length > 0) await call(["config", "rm", ...records]);
    await this.#folder.remove();
  }
}

export function setAvailability(
  nodes: SwarmNodes,
  node: SwarmNodeRig,
  availability: "active" | "drain",
): Promise<unknown> {
  return nodes.manager.engine.docker(["node", "update", "--availability", availability, node.id]);
}
