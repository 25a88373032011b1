import { waitUntil } from "@belay/testkit";
import type { Definitions, EngineStand, Variants } from "./stand.ts";
import { SwarmServices } from "./swarm-services.ts";
import { openSwarm } from "./swarm-stand.ts";
import type { VariantName } from "./variants.ts";

const FILES = "the service is the user's: Belay changes nothing but its image (see the stand with a whole stack)";

const IMPOSSIBLE: EngineStand["impossible"] = {
  "only the environment changes": FILES,
  "first deployment, good": FILES,
  "first deployment, bad, kept": FILES,
  "first deployment, bad, removed": FILES,
  "rolled back by hand to a service that was removed since": FILES,
  "one of three services removed": FILES,
  "one of three services removed, another fails": FILES,
};

/** Services that exist, on a swarm of one node, the engine of the rig, their images in a registry of its own. */
export function openSwarmServicesStand(): Promise<EngineStand> {
  return openSwarm({ title: "Swarm, existing services", impossible: IMPOSSIBLE, kind: ExistingServices });
}

/** Made one by one with `docker service create`. */
export class ExistingServices extends SwarmServices {
  /** Of the command, for each of them. */
  options: readonly string[] = [];
  readonly onlyExisting = true;
  readonly files = [];

  async define(definitions: Definitions): Promise<void> {
    this.definitions = definitions;
    await this.writeConfigs();
    for (const [name, { nowhere }] of Object.entries(definitions)) {
      if (nowhere) await this.#takeAllRoom(name);
    }
  }

  async up(variants: Variants): Promise<void> {
    const names = Object.keys(this.definitions);
    for (const name of names) await this.docker(...(await this.#creation(name, variants[name] ?? "good1")));
    for (const name of names) await this.settled(name);
  }

  async #creation(name: string, variant: VariantName): Promise<string[]> {
    const { replicas, env = {}, memory, goal, dependsOn = [], config, stopFirst } = this.definitions[name] ?? {};
    const order = stopFirst === undefined ? "start-first" : "stop-first";
    const file = `type=bind,source=${this.configFile(name)},target=/etc/shop.conf,readonly`;
    return [
      ...["service", "create", "--detach", "--no-resolve-image", "--name", this.fullName(name)],
      ...["--endpoint-mode", "dnsrr", "--stop-grace-period", `${stopFirst?.graceS ?? 1}s`],
      ...(goal === "complete"
        ? ["--mode", "replicated-job", "--restart-condition", "none"]
        : ["--restart-delay", "500ms", "--update-order", order, "--update-parallelism", "1"]),
      ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...(dependsOn.length === 0 ? [] : ["--label", `dev.belay.depends-on=${dependsOn.join(",")}`]),
      ...(replicas === undefined ? [] : ["--replicas", String(replicas)]),
      ...(memory === undefined ? [] : ["--limit-memory", String(memory)]),
      ...(config ? ["--mount", file] : []),
      ...this.options,
      await this.pin(variant),
    ];
  }

  /** Belay does not change what a service asks for, its owner may: so much that beside its tasks there is no room for one. */
  async #takeAllRoom(name: string): Promise<void> {
    const [memory] = await this.docker("info", "--format", "{{.MemTotal}}");
    const each = Math.floor((0.9 * Number(memory)) / (this.definitions[name]?.replicas ?? 1));
    await this.docker("service", "update", "--detach", "--reserve-memory", String(each), this.fullName(name));
    const done = async (): Promise<boolean> => (await this.inspect(name)).UpdateStatus?.State === "completed";
    await waitUntil(`${name} takes all room`, done, { withinMs: 90_000 });
  }

  protected async removeServices(): Promise<void> {
    const names = await this.docker("service", "ls", "-q", "--filter", `name=${this.scope.project}_`);
    if (names.length > 0) await this.docker("service", "rm", ...names);
  }
}
