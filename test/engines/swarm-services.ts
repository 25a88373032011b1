import {
  createRunner,
  pinnedReference,
  Redactor,
  type Release,
  type RolloutPolicy,
  type Scope,
  systemClock,
  type Target,
} from "@belay/core";
import { connectDocker, type Docker, type Service } from "@belay/docker";
import { type DeploymentResult, type DeployPorts, deploy } from "@belay/rollout";
import { createSwarmTarget, type SwarmOptions } from "@belay/swarm";
import {
  type AttachedEngine,
  beManager,
  createTestLog,
  startRegistry,
  type TestLog,
  useEngine,
  waitUntil,
} from "@belay/testkit";
import { test, vi } from "vitest";
import { type ImageCatalogue, openCatalogue } from "../contract/images.ts";
import { POLICY } from "../contract/policy.ts";
import { createReleases } from "../contract/release-of.ts";
import type { VariantName } from "../contract/variants.ts";

vi.setConfig({ maxConcurrency: 3 });

/** An engine that is a manager, with a registry. */
interface Place {
  readonly engine: AttachedEngine;
  readonly docker: Docker;
  readonly images: ImageCatalogue;
}

/** Of `docker service inspect`. */
interface Endpoint {
  readonly Spec: { readonly Mode?: string };
  readonly VirtualIPs?: readonly { readonly NetworkID: string; readonly Addr: string }[];
}

let count = 0;
let runs = 0;

/** Services of one application that somebody created by hand, as `docker service create` does. */
export class Shop {
  readonly engine: AttachedEngine;
  readonly docker: Docker;
  images: ImageCatalogue;
  readonly scope: Scope;
  readonly redactor = new Redactor();
  readonly log: TestLog = createTestLog(this.redactor);
  readonly services = new Set<string>();
  readonly #networks: string[] = [];

  constructor({ engine, docker, images }: Place, stack: string, environment = "test") {
    this.engine = engine;
    this.docker = docker;
    this.images = images;
    this.scope = { target: "swarm", project: stack, application: "shop", environment };
  }

  name(service = "web"): string {
    return `${this.scope.project}_${service}`;
  }

  async pin(variant: VariantName): Promise<string> {
    return pinnedReference(await this.images.identity(variant)) ?? "";
  }

  /** `docker service create` with these options. Waits until it runs, or has run. */
  async create(variant: VariantName, options: readonly string[] = [], service = "web"): Promise<void> {
    this.services.add(service);
    const usual = ["--endpoint-mode", "dnsrr", "--stop-grace-period", "1s", "--restart-delay", "500ms"];
    const args = ["service", "create", "--detach", "--no-resolve-image", "--name", this.name(service)];
    await this.engine.docker([...args, ...usual, ...options, await this.pin(variant)]);
    await waitUntil(`${service} is up`, () => this.isUp(service), { withinMs: 90_000 });
  }

  async isUp(service = "web"): Promise<boolean> {
    const { ServiceStatus } = await this.inspect(service);
    const { RunningTasks = 0, DesiredTasks = 0, CompletedTasks = 0 } = ServiceStatus ?? {};
    return CompletedTasks > 0 || (DesiredTasks > 0 && RunningTasks >= DesiredTasks);
  }

  /** What the engine has of it, by the run's own client (`@belay/docker`): nothing of `@belay/swarm` has a part in it. */
  async inspect(service = "web"): Promise<Service> {
    const found = await this.docker.services.list({ filters: { name: [this.name(service)] }, status: true });
    const own = found.find(({ Spec }) => Spec.Name === this.name(service));
    if (own === undefined) throw new Error(`there is no service ${this.name(service)}`);
    return own;
  }

  async image(service = "web"): Promise<string | undefined> {
    return (await this.inspect(service)).Spec.TaskTemplate.ContainerSpec?.Image;
  }

  /** Images of the tasks that are meant to run and do, as the docker command line shows them: from outside of Belay. */
  async running(service = "web"): Promise<string[]> {
    const asked = ["service", "ps", "--no-trunc", "--filter", "desired-state=running"];
    const format = ["--format", "{{.Image}} {{.CurrentState}}"];
    const { stdout } = await this.engine.docker([...asked, ...format, this.name(service)]);
    const shown = stdout.split("\n").map((line) => line.split(" "));
    return shown.flatMap(([image = "", state]) => (state === "Running" ? [image] : []));
  }

  /** A network of the swarm, which goes with the shop. Its name. */
  async createNetwork(): Promise<string> {
    const network = this.name("net");
    await this.engine.docker(["network", "create", "--driver", "overlay", network]);
    this.#networks.push(network);
    return network;
  }

  /** Where the engine lets others find it, as the docker command line shows it: from outside of Belay. */
  async endpoint(service = "web"): Promise<Endpoint> {
    const format = ["--format", "{{json .Endpoint}}"];
    return JSON.parse((await this.engine.docker(["service", "inspect", ...format, this.name(service)])).stdout);
  }

  release(variants: Readonly<Record<string, VariantName>>): Promise<Release> {
    return createReleases(this.images)(variants);
  }

  target(more: Partial<SwarmOptions> = {}): Promise<Target> {
    const { docker, scope, log, redactor } = this;
    const runner = createRunner(redactor);
    const services = Object.fromEntries([...this.services].map((service) => [service, {}]));
    return createSwarmTarget({ docker, runner, scope, services, log, clock: systemClock, redactor, ...more });
  }

  ports(target: Target, more: Partial<DeployPorts> = {}): DeployPorts {
    const holder = { run: `${this.scope.project}-${++runs}`, attempt: 1, host: "test" };
    const signal = new AbortController().signal;
    return {
      target,
      clock: systemClock,
      log: this.log,
      holder,
      signal,
      redactor: new Redactor(),
      random: Math.random,
      lifeMs: 6_000,
      ...more,
    };
  }

  async deploy(
    variants: Readonly<Record<string, VariantName>>,
    more: { readonly policy?: Partial<RolloutPolicy>; readonly ports?: Partial<DeployPorts> } = {},
  ): Promise<DeploymentResult> {
    const release = await this.release(variants);
    const policy = { ...POLICY, ...more.policy };
    return deploy({ release, policy }, this.ports(await this.target(), more.ports));
  }

  async remove(): Promise<void> {
    const filters = { name: [`${this.scope.project}_`] };
    for (const { ID } of await this.docker.services.list({ filters })) await this.docker.services.remove(ID);
    const { store } = await this.target();
    for (const name of await store.list()) await store.remove(name);
    for (const network of this.#networks) await this.#removeNetwork(network);
  }

  /** As soon as the last task has left it. */
  async #removeNetwork(network: string): Promise<void> {
    const isGone = async (): Promise<boolean> =>
      (await this.engine.docker(["network", "rm", network], { allowedExitCodes: [0, 1] })).exitCode === 0;
    await waitUntil(`the network ${network} goes`, isGone, { withinMs: 60_000 });
  }
}

/** Each test has services of its own; the tests of one file share an engine and a registry. */
export const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
  .extend("place", { scope: "file" }, async ({}, { onCleanup }): Promise<Place> => {
    const engine = await useEngine();
    await beManager(engine);
    const registry = await startRegistry();
    const docker = await connectDocker({ env: engine.env });
    onCleanup(async () => {
      await docker.close();
      await registry.stop();
      await engine.stop();
    });
    return { engine, docker, images: await openCatalogue(registry) };
  })
  .extend("shop", async ({ place }, { onCleanup }) => {
    const shop = new Shop(place, `belay-sw-${process.pid}-${++count}`);
    onCleanup(() => shop.remove());
    return shop;
  });
