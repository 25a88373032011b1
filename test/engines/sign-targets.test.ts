/** `require-signature` where Belay deploys to a swarm and to a cluster: sign-deploy.test.ts has it at length, on Compose. */
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { Inputs, pinnedReference, writeRelease } from "@belay/core";
import { deploy, loadPipelineInputs, loadSignInputs, sign } from "@belay/pipeline";
import {
  beManager,
  createRepository,
  type RegistryRig,
  startRegistry,
  type ThrowawayRepository,
  temporaryFolder,
  useEngine,
  useKubernetes,
} from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createContext } from "../../packages/pipeline/src/testing/create-context.ts";
import { type ImageCatalogue, openCatalogue } from "../contract/images.ts";
import { createReleases } from "../contract/release-of.ts";
import type { VariantName } from "../contract/variants.ts";
import { deploymentOf } from "./manifest-shop.ts";

const KEYS = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const NAME = `signed-${process.pid}`;

/** A real target, and a look at it from outside. */
interface Stand extends AsyncDisposable {
  /** `target` of belay.yaml. */
  readonly target: string;
  /** What the target is made of, by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Everything of the application and of Belay's own, with what changes when it is changed. */
  objects(): Promise<string>;
  /** The images that are to run. */
  images(): Promise<string>;
}

async function openSwarm(): Promise<Stand> {
  await using started = new AsyncDisposableStack();
  const engine = started.use(await useEngine());
  await beManager(engine);
  started.defer(async () => void (await engine.docker(["stack", "rm", NAME], { allowedExitCodes: [0, 1] })));
  const owned = started.move();
  const docker = async (...args: string[]): Promise<string> => (await engine.docker(args)).stdout.trim();
  const versions = async (kind: "config" | "secret" | "service"): Promise<string> => {
    const ids = (await docker(kind, "ls", "--quiet")).split("\n").filter((id) => id !== "");
    return ids.length === 0 ? "" : docker(kind, "inspect", "--format", "{{.ID}} {{.Version.Index}}", ...ids);
  };
  return {
    target: `{ kind: swarm, host: "${engine.host}", stack: ${NAME}, files: [stack.yaml] }`,
    // This kernel has no IPVS, so that services are found by their tasks' addresses.
    files: { "stack.yaml": `services: { web: { image: web, deploy: { endpoint_mode: dnsrr } } }\n` },
    // The runner has no engine of its own: what is asked of one goes to the swarm's manager.
    env: { ...engine.env, DOCKER_HOST: "unix:///nowhere/docker.sock" },
    objects: async () =>
      [
        ...[await versions("service"), await versions("config"), await versions("secret")],
        await docker("network", "ls", "--no-trunc", "--quiet", "--filter", "scope=swarm"),
      ].join("\n--\n"),
    images: () => docker("service", "ls", "--format", "{{.Image}}"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function openKubernetes(): Promise<Stand> {
  await using started = new AsyncDisposableStack();
  const cluster = started.use(await useKubernetes());
  await cluster.kubectl(["create", "namespace", NAME]);
  started.defer(async () => void (await cluster.kubectl(["delete", "namespace", NAME, "--wait=false"])));
  const owned = started.move();
  const get = async (kinds: string, fields: string): Promise<string> => {
    const path = `jsonpath={range .items[*]}${fields}{"\\n"}{end}`;
    return (await cluster.kubectl(["--namespace", NAME, "get", kinds, "--output", path])).stdout.trim();
  };
  return {
    target: `{ kind: kubernetes, kubeconfig: "${cluster.kubeconfig}", namespace: ${NAME}, files: [k8s] }`,
    files: { "k8s/web.yaml": deploymentOf("web", { replicas: 1 }) },
    env: { DOCKER_HOST: "unix:///nowhere/docker.sock" },
    objects: () =>
      get("deployments,replicasets,pods,services,secrets,leases", "{.kind} {.metadata.uid} {.metadata.generation}"),
    images: () => get("deployments", "{.spec.template.spec.containers[0].image}"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describe.each([
  ["a swarm", openSwarm],
  ["a cluster", openKubernetes],
] as const)("an image that has to be signed, on %s", (_, open) => {
  const owned = new AsyncDisposableStack();
  let stand: Stand;
  let registry: RegistryRig;
  let images: ImageCatalogue;
  let repository: ThrowawayRepository;
  let jobs = 0;

  beforeAll(async () => {
    stand = owned.use(await open());
    registry = owned.use(await startRegistry());
    images = await openCatalogue(registry);
    repository = owned.adopt(await createRepository({ slug: "acme/shop" }), (one) => one.remove());
    const { repository: image } = await images.identity("good1");
    await repository.commit("Open", {
      ...stand.files,
      "cosign.pub": KEYS.publicKey,
      "belay.yaml": `version: 1
application: shop
services: { web: { image: "${image}", build: { context: . } } }
environments:
  staging:
    target: ${stand.target}
    require-signature: { key: cosign.pub }
    rollout: { start: 60s, stable: 1s, drain: 0s }
`,
    });
  });
  afterAll(() => owned.disposeAsync());
  afterEach(() => vi.unstubAllEnvs());

  /** A job whose steps before have pushed the variant. */
  async function pushed(variant: VariantName) {
    const temporary = owned.adopt(await temporaryFolder("belay-signed"), (one) => one.remove()).path;
    const env = { ...stand.env, RUNNER_TEMP: temporary, COSIGN_PRIVATE_KEY: KEYS.privateKey };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const revision = await repository.commit(`Make it ${variant}`);
    const release = await createReleases(images)({ web: variant }, revision);
    await writeRelease(join(temporary, "belay/release.json"), release);
    const context = { ...createContext(repository.folder, env), runName: `${++jobs}.job.test` };
    const inputs = new Inputs((name) => ({ environment: "staging" })[name]);
    return {
      image: pinnedReference(await images.identity(variant)),
      sign: () => sign(context, loadSignInputs(inputs)),
      deploy: async () => (await deploy(context, loadPipelineInputs(inputs))).report,
    };
  }

  async function expectRefused(job: Awaited<ReturnType<typeof pushed>>): Promise<void> {
    const before = await stand.objects();
    const refused = await job.deploy();
    expect(refused).toMatchObject({ outcome: "refused" });
    expect(JSON.stringify(refused)).toContain(`${job.image}: it has no signature`);
    expect(await stand.objects(), "nothing was touched").toBe(before);
  }

  it("is deployed once it is signed, and before that nothing is touched", async () => {
    const first = await pushed("good1");
    await expectRefused(first);
    expect(await stand.images()).toBe("");
    await first.sign();
    expect(await first.deploy()).toMatchObject({ outcome: "succeeded", deployment: 1 });
    expect(await stand.images()).toBe(first.image);

    const second = await pushed("good2");
    await expectRefused(second);
    expect(await stand.images()).toBe(first.image);
    await second.sign();
    expect(await second.deploy()).toMatchObject({ outcome: "succeeded", deployment: 2 });
    expect(await stand.images()).toBe(second.image);
  });
});
