import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRunner, LABELS, Redactor, type Scope, scopeHash, systemClock } from "@belay/core";
import { connectDocker, type Docker, type ServiceSpec } from "@belay/docker";
import type { DesiredStack, RenderRequest } from "@belay/swarm";
import {
  beManager,
  createTestLog,
  type EngineRig,
  ensureTools,
  startEngine,
  temporaryFolder,
  waitUntil,
} from "@belay/testkit";
import type { StackCase } from "./stack-corpus.ts";

/** Nobody has it: the specs are compared, not run. */
export const IMAGE = `127.0.0.1:9/shop@sha256:${"ab".repeat(32)}`;
export const STACK = "shop";
export const SCOPE: Scope = { target: "swarm", project: STACK, application: "shop", environment: "test" };

/** A swarm of one engine on which stacks are rendered and made without the rest of Belay. */
export interface StackStand {
  readonly engine: EngineRig;
  readonly docker: Docker;
  /** A command line with `docker stack config`. */
  readonly cli: string;
  readonly redactor: Redactor;
  /** Writes a stack into a folder of its own. Paths of its files. */
  write(stack: StackCase, name: string): Promise<string[]>;
  request(
    files: readonly string[],
    more?: Partial<RenderRequest> & { readonly env?: Readonly<Record<string, string>> },
  ): Promise<RenderRequest>;
  /** What the core of the target does, without order and proof. `deployment`: labels as Belay puts them on. */
  apply(rendered: DesiredStack, deployment?: number): Promise<void>;
  /** All that a stack made, as the engine has it, without ids, times and the hashes in names. */
  made(): Promise<unknown>;
  /** Ends everything of the swarm but what the engine has itself. */
  clean(): Promise<void>;
  stop(): Promise<void>;
}

export async function startStackStand(): Promise<StackStand> {
  const { stackCli: cli } = await ensureTools(["stackCli"]);
  const engine = await startEngine();
  await beManager(engine);
  const docker = await connectDocker({ env: engine.env });
  const folder = await temporaryFolder("belay-stack-test");
  const redactor = new Redactor();
  return {
    engine,
    docker,
    cli,
    redactor,
    write: (stack, name) => write(join(folder.path, name.replaceAll(/\W+/g, "-")), stack),
    request: async (files, { env = { IMAGE }, ...more } = {}) => ({
      docker,
      runner: createRunner(redactor),
      log: createTestLog(redactor),
      clock: systemClock,
      redactor,
      scope: SCOPE,
      stack: { files, env, secretNames: [], cli },
      services: {},
      images: {},
      platforms: {},
      digests: {},
      existing: await docker.services.list(),
      ...more,
    }),
    apply: (rendered, deployment) => apply(docker, rendered, deployment),
    made: () => made(docker),
    clean: () => clean(docker, engine),
    stop: async () => {
      await docker.close();
      await folder.remove();
      await engine.stop();
    },
  };
}

async function write(root: string, { files, extra }: StackCase): Promise<string[]> {
  for (const [path, text] of Object.entries({ ...files, ...extra })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return Object.keys(files).map((path) => join(root, path));
}

async function apply(docker: Docker, rendered: DesiredStack, deployment?: number): Promise<void> {
  const labels =
    deployment === undefined ? {} : { [LABELS.scope]: scopeHash(SCOPE), [LABELS.deployment]: String(deployment) };
  await rendered.create(labels, new AbortController().signal);
  const existing = new Map((await docker.services.list()).map((one) => [one.Spec.Name, one]));
  for (const { spec, name } of rendered.services) {
    const complete = await withIds(docker, { ...spec, Labels: { ...spec.Labels, ...labels } });
    const there = existing.get(name);
    if (there === undefined) await docker.services.create(complete);
    else await docker.services.update(there.ID, there.Version, complete);
  }
}

async function withIds(docker: Docker, spec: ServiceSpec): Promise<ServiceSpec> {
  const container = spec.TaskTemplate.ContainerSpec ?? { Image: "" };
  const idOf = async (kind: "configs" | "secrets", name: string) => (await docker[kind].inspect(name)).ID;
  const Configs = await Promise.all(
    (container.Configs ?? []).map(async (one) => ({ ...one, ConfigID: await idOf("configs", one.ConfigName) })),
  );
  const Secrets = await Promise.all(
    (container.Secrets ?? []).map(async (one) => ({ ...one, SecretID: await idOf("secrets", one.SecretName) })),
  );
  return { ...spec, TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: { ...container, Configs, Secrets } } };
}

async function made(docker: Docker): Promise<unknown> {
  const all = await docker.networks.list();
  const networks = all.filter((one) => one.Labels?.["com.docker.stack.namespace"]);
  const byId = new Map(all.map(({ Id, Name }) => [Id, Name]));
  const services = (await docker.services.list()).map(({ Spec }) => Spec);
  const files = [...(await docker.configs.list()), ...(await docker.secrets.list())].map(({ Spec }) => Spec);
  const facts = {
    services: sorted(services.map((spec) => ({ ...spec, TaskTemplate: named(spec.TaskTemplate, byId) }))),
    networks: sorted(
      networks.map(({ Name, Driver, Internal, Attachable, Labels, Options, IPAM }) => {
        const { "com.docker.network.driver.overlay.vxlanid_list": _ids, ...options } = Options ?? {};
        const subnets = IPAM?.Config?.map(({ Subnet }) => Subnet).filter((one) => one?.startsWith("10.99."));
        return { Name, Driver, Internal, Attachable, Labels, options, subnets };
      }),
    ),
    files: sorted(files),
  };
  const text = JSON.stringify(facts, (key, value) => (/^(Config|Secret)ID$/.test(key) ? "" : value));
  return JSON.parse(text.replaceAll(/(?<=[\w-])_[0-9a-f]{12}(?=")/g, ""));
}

function named(task: ServiceSpec["TaskTemplate"], byId: ReadonlyMap<string, string>): object {
  const Networks = (task.Networks ?? []).map((one) => ({ ...one, Target: byId.get(one.Target) ?? one.Target }));
  return { ...task, Networks: Networks.sort((a, b) => (a.Target < b.Target ? -1 : 1)) };
}

function sorted<T extends { readonly Name: string }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
}

async function clean(docker: Docker, engine: EngineRig): Promise<void> {
  for (const { ID } of await docker.services.list()) await docker.services.remove(ID);
  const nothingLeft = async (): Promise<boolean> => {
    const networks = (await docker.networks.list()).filter((one) => one.Scope === "swarm" && one.Name !== "ingress");
    for (const { Id } of networks) await engine.docker(["network", "rm", Id], { allowedExitCodes: [0, 1] });
    return networks.length === 0;
  };
  await waitUntil("the networks go", nothingLeft, { withinMs: 90_000, everyMs: 200 });
  for (const kind of ["configs", "secrets"] as const) {
    for (const { ID } of await docker[kind].list()) await docker[kind].remove(ID);
  }
}
