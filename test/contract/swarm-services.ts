import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pinnedReference, type Scope, scopeHash } from "@belay/core";
import { type AttachedEngine, waitUntil } from "@belay/testkit";
import type { ImageCatalogue } from "./images.ts";
import type { Definitions, Variants } from "./stand.ts";
import type { VariantName } from "./variants.ts";

const PATIENCE = { withinMs: 90_000 };

/** The services of one application on a swarm, as their users have them: in the files of a stack, or each by itself. */
export abstract class SwarmServices {
  readonly engine: AttachedEngine;
  readonly images: ImageCatalogue;
  readonly scope: Scope;
  readonly folder: string;
  definitions: Definitions = {};
  /** Whether Belay changes only what is there already. */
  abstract readonly onlyExisting: boolean;

  constructor(engine: AttachedEngine, images: ImageCatalogue, name: string, folder: string) {
    this.engine = engine;
    this.images = images;
    this.folder = folder;
    this.scope = { target: "swarm", project: name, application: "shop", environment: "test" };
  }

  /** The stack's files. */
  abstract get files(): readonly string[];
  abstract define(definitions: Definitions): Promise<void>;
  /** Brings everything up as it is defined. */
  abstract up(variants: Variants): Promise<void>;
  /** Removes the services. */
  protected abstract removeServices(): Promise<void>;

  /** By the command line. Lines of what it says. */
  async docker(...args: string[]): Promise<string[]> {
    return (await this.engine.docker(args)).stdout.split("\n").filter((line) => line !== "");
  }

  fullName(service: string): string {
    return `${this.scope.project}_${service}`;
  }

  async pin(variant: VariantName): Promise<string> {
    return pinnedReference(await this.images.identity(variant)) ?? "";
  }

  /** The swarm keeps a config as long as a service refers to it, so what can get lost is a file of the node. */
  loseConfig(service: string): Promise<void> {
    return rm(this.configFile(service));
  }

  protected configFile(service: string): string {
    return join(this.folder, `${service}.conf`);
  }

  protected async writeConfigs(): Promise<void> {
    for (const [name, { config }] of Object.entries(this.definitions)) {
      if (config) await writeFile(this.configFile(name), "greeting: hello\n");
    }
  }

  async inspect(service: string): Promise<ServiceShown> {
    const { stdout } = await this.engine.docker(["service", "inspect", this.fullName(service)]);
    return (JSON.parse(stdout) as [ServiceShown])[0];
  }

  /** All its tasks are of the present spec and run, or have run. */
  async settled(service: string): Promise<void> {
    const { goal } = this.definitions[service] ?? {};
    const wanted = goal === "complete" ? "Complete" : "Running";
    const done = async (): Promise<boolean> => {
      const { Spec, UpdateStatus } = await this.inspect(service);
      const format = "{{.DesiredState}}|{{.CurrentState}}|{{.Image}}";
      const rows = await this.docker("service", "ps", "--no-trunc", "--format", format, this.fullName(service));
      const image = Spec.TaskTemplate.ContainerSpec.Image;
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

  containers(service: string): Promise<string[]> {
    return this.docker("ps", "-q", "--filter", `label=com.docker.swarm.service.name=${this.fullName(service)}`);
  }

  /** With its ledger. */
  async remove(): Promise<void> {
    await this.removeServices();
    const records = await this.docker(
      "config",
      "ls",
      "-q",
      "--filter",
      `label=dev.belay.scope=${scopeHash(this.scope)}`,
    );
    if (records.length > 0) await this.docker("config", "rm", ...records);
  }
}

interface ServiceShown {
  readonly Spec: {
    readonly TaskTemplate: { readonly ContainerSpec: { readonly Image: string } };
    readonly Mode: { readonly Replicated?: { readonly Replicas: number } };
  };
  readonly UpdateStatus?: { readonly State?: string };
}
