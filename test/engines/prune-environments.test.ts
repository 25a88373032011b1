/** One belay.yaml, one environment on a swarm and one on a cluster: what either still needs stays, and what goes is told right. */
import { randomUUID } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createRunner, Redactor, systemClock } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { createAuthenticator, createRegistryClient, insecureRegistries, type RegistryClient } from "@belay/registry";
import {
  type AttachedEngine,
  beManager,
  type Cluster,
  createTestLog,
  makeImageLayout,
  type RegistryRig,
  startRegistry,
  type TemporaryFolder,
  temporaryFolder,
  useEngine,
  useKubernetes,
  waitUntil,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ImageCatalogue, openCatalogue } from "../contract/images.ts";
import type { VariantName } from "../contract/variants.ts";
import { Shop as ClusterShop, templateOf, workload } from "./kubernetes-space.ts";
import { Shop as SwarmShop } from "./swarm-services.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli/index.js");
const WORKLOAD = { web: "deployment/web" };

const redactor = new Redactor();
const run = createRunner(redactor);
let place: TemporaryFolder;
let engine: AttachedEngine;
let docker: Docker;
let cluster: Cluster;
let registry: RegistryRig;
let client: RegistryClient;
let images: ImageCatalogue;
let repository: string;
let staging: SwarmShop;
let production: ClusterShop;

beforeAll(async () => {
  place = await temporaryFolder("belay-prune-environments");
  [engine, cluster, registry] = await Promise.all([useEngine(), useKubernetes(), startRegistry()]);
  await beManager(engine);
  docker = await connectDocker({ env: engine.env });
  const auth = createAuthenticator({ env: { DOCKER_CONFIG: place.path }, runner: run, redactor });
  const ports = { auth, redactor, log: createTestLog(redactor), clock: systemClock };
  client = createRegistryClient({ ...ports, insecure: insecureRegistries() });
  // Names that only commits have: none of these images stays for what it is called.
  images = await openCatalogue(registry, (name) => `sha-${Buffer.from(name).toString("hex").padEnd(12, "0")}`);
  ({ repository } = await images.identity("good1"));
  const name = `belay-prune-${process.pid}`;
  staging = new SwarmShop({ engine, docker, images }, name, "staging");
  production = new ClusterShop(cluster, images, name);
  await production.create();
});

afterAll(async () => {
  await production?.remove();
  await staging?.remove();
  await docker?.close();
  client?.close();
  await Promise.all([registry?.stop(), cluster?.stop(), engine?.stop()]);
  await place?.remove();
});

interface Environments {
  readonly swarmHost?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly stack?: string;
}

/** `belay prune` with both environments, which the reader finds where they are unless it is told otherwise. */
async function prune(options: Environments & { readonly dryRun?: boolean } = {}) {
  const { swarmHost = engine.host, kubeconfig = cluster.kubeconfig, dryRun = true } = options;
  const { project } = production.scope;
  const folder = await mkdtemp(join(place.path, "checkout-"));
  const config = {
    version: 1,
    application: "shop",
    services: { web: { image: repository, build: { context: "." }, names: { kubernetes: WORKLOAD.web } } },
    environments: {
      staging: { target: { kind: "swarm", stack: options.stack ?? project, host: swarmHost } },
      test: { target: { kind: "kubernetes", namespace: options.namespace ?? project, kubeconfig } },
    },
  };
  await writeFile(join(folder, "belay.yaml"), JSON.stringify(config));
  const words = ["prune", "--json", "--last", "0", "--dry-run", String(dryRun)];
  const { HOME = "" } = process.env;
  const env = { ...engine.env, HOME };
  const ended = await run(process.execPath, [CLI, ...words], { cwd: folder, env, allowedExitCodes: ANY });
  const [{ freed, images: seen } = { freed: 0, images: [] }] = JSON.parse(ended.stdout).repositories ?? [];
  const said = ended.stdout + ended.stderr;
  return { ...ended, said, freed: freed as number, seen: seen as Seen[] };
}

const ANY = Array.from({ length: 64 }, (_, code) => code);

interface Seen {
  readonly digest: string;
  readonly keep: boolean;
  readonly why: string;
}

async function digestOf(variant: VariantName): Promise<string> {
  return (await images.identity(variant)).digest ?? "";
}

/** Whether it stays and why, for each of these. */
async function told(seen: readonly Seen[], variants: readonly VariantName[]) {
  const all = variants.map(async (variant) => {
    const digest = await digestOf(variant);
    const found = seen.find((one) => one.digest === digest);
    return [variant, found && [found.keep, found.why]] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

const isThere = async (digest: string): Promise<boolean> => (await client.manifest(repository, digest)) !== undefined;

/** An image that nobody runs, of these layers. */
async function pushUnused(layers: readonly string[]): Promise<string> {
  const files = layers.map((layer) => ({ [`app/${layer}`]: layer.repeat(5_000) }));
  const layout = await makeImageLayout(join(place.path, randomUUID()), { "linux/amd64": files });
  await layout.push(registry.url, repository.slice(registry.address.length + 1));
  const manifest = await client.manifest(repository, layout.digest);
  if (manifest === undefined) throw new Error("it was not pushed");
  await client.putManifest(repository, `sha-${layout.digest.slice(-12)}`, manifest);
  return layout.digest;
}

it("keeps what a deployment that is under way would bring back, though no release names it", async () => {
  await staging.create("good1");
  const held = Promise.withResolvers<void>();
  const deploying = staging.deploy(
    { web: "good2" },
    { ports: { onStep: (step) => (step === "end" ? held.promise : undefined) } },
  );
  try {
    const good2 = await staging.pin("good2");
    const onlyNew = async (): Promise<boolean> => {
      const running = await staging.running();
      return running.length > 0 && running.every((image) => image === good2);
    };
    await waitUntil("the old image runs nowhere", onlyNew, { withinMs: 90_000 });
    const { seen, said } = await prune();
    expect(await told(seen, ["good1", "good2"]), said).toEqual({
      good1: [true, "deployment 1 of staging has not ended, and would bring it back"],
      good2: [true, "it runs in staging"],
    });
  } finally {
    held.resolve();
  }
  expect(await deploying).toMatchObject({ outcome: "succeeded" });
});

it("keeps what only one of them needs, and goes back to it after the rest went", async () => {
  expect(await staging.deploy({ web: "good3" })).toMatchObject({ outcome: "succeeded" });
  const template = templateOf(await production.image("good4"));
  await production.apply([workload("Deployment", { replicas: 1, template })]);
  await production.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
  for (const web of ["good5", "good6"] as const) {
    const result = await production.deploy(WORKLOAD, { web });
    expect(result, production.log.text()).toMatchObject({ outcome: "succeeded" });
  }
  await images.identity("good7");
  // Two that share a layer with one another, and one that shares its own with all that stay.
  const going = [await pushUnused(["shared", "a"]), await pushUnused(["shared", "b"]), await digestOf("good7")];

  const shown = await prune();
  const all = ["good2", "good3", "good5", "good6", "good7"] as const;
  expect(await told(shown.seen, all), shown.said).toEqual({
    good2: [true, "deployment 1 of staging can be gone back to"],
    good3: [true, "it runs in staging"],
    good5: [true, "deployment 1 of test can be gone back to"],
    good6: [true, "it runs in test"],
    good7: [false, expect.anything()],
  });
  const would = shown.seen.filter(({ keep }) => !keep).map(({ digest }) => digest);
  expect(would).toEqual(expect.arrayContaining(going));

  const done = await prune({ dryRun: false });
  expect(done.exitCode, done.said).toBe(0);
  for (const digest of would) expect(await isThere(digest)).toBe(false);
  expect(done.freed).toBe(shown.freed);
  // To the byte, by the registry's own program.
  expect(await registry.collectGarbage()).toBe(shown.freed);
  const back = await production.rollback(WORKLOAD, "previous");
  expect(back, production.log.text()).toMatchObject({ outcome: "succeeded" });
  expect(await production.read("deployment/web", "{.spec.template.spec.containers[0].image}")).toContain(
    await digestOf("good5"),
  );
});

it("deletes nothing, and names the environment, when one can't be asked", async () => {
  const unused = await pushUnused(["unused"]);
  const closed = await kubeconfigFor("https://127.0.0.1:1");
  const { stdout } = await cluster.kubectl([
    "config",
    "view",
    "--minify",
    "--output",
    "jsonpath={.clusters[0].cluster.server}",
  ]);
  const stranger = await kubeconfigFor(stdout.trim());
  const places: readonly (readonly [string, Environments])[] = [
    ["staging", { swarmHost: "unix:///nowhere/docker.sock" }],
    ["test", { kubeconfig: closed }],
    ["test", { kubeconfig: stranger }],
    ["test", { namespace: `${production.scope.project}-mistyped` }],
  ];
  const ended = await Promise.all(places.map(([, place]) => prune({ ...place, dryRun: false })));
  for (const [at, { exitCode, said }] of ended.entries()) {
    expect(exitCode, said).not.toBe(0);
    expect(said).toContain(`asking ${places[at]?.[0]} what it needs`);
  }
  expect(await isThere(unused)).toBe(true);
  const { said } = await prune({ stack: "mistyped" });
  expect(said).toContain("The target of staging has no record of a deployment");
});

/** Of somebody whom no cluster knows. */
async function kubeconfigFor(server: string): Promise<string> {
  const path = join(place.path, `${randomUUID()}.json`);
  const clusters = [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }];
  const contexts = [{ name: "c", context: { cluster: "c", user: "nobody" } }];
  const users = [{ name: "nobody", user: {} }];
  await writeFile(path, JSON.stringify({ clusters, contexts, users, "current-context": "c" }));
  return path;
}
