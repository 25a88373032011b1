import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Inputs } from "@belay/core";
import { readLayout } from "@belay/core/oci-layout";
import { knownBuilder } from "@belay/images";
import { build, loadPipelineInputs, push, scan } from "@belay/pipeline";
import {
  BUILDKIT_IMAGE,
  buildkitImageArchive,
  type Cluster,
  createRepository,
  type EngineRig,
  findProgram,
  programFolders,
  type RegistryRig,
  SCAN_FILES,
  startEngine,
  startRegistry,
  type ThrowawayRepository,
  temporaryFolder,
  trivyAtHand,
  useKubernetes,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { layoutPath } from "../../packages/pipeline/src/run/places.ts";
import { createContext } from "../../packages/pipeline/src/testing/create-context.ts";
import { servedDigest } from "./push-stand.ts";
import { STAND_MS } from "./scan-stand.ts";

/** Its tests run where the builder is; what they make for another processor runs nowhere. */
const DOCKERFILE = `FROM --platform=$BUILDPLATFORM scratch AS test
COPY --chmod=755 sh /bin/sh
COPY name /name
RUN test "$(cat /name)" = shop
FROM scratch AS runtime
ARG TARGETARCH
COPY files/ /
LABEL made-for=$TARGETARCH
`;
const BOTH = ["linux/amd64", "linux/arm64"];
const NAMESPACE = `builds-${process.pid}`;

let engine: EngineRig;
let registry: RegistryRig;
let cluster: Cluster;
let repository: ThrowawayRepository;
/** What every step of the job has in its environment. */
let env: Readonly<Record<string, string>>;
const owned = new AsyncDisposableStack();

beforeAll(async () => {
  // A privileged container wants more of Debian's engine than every machine allows it.
  engine = owned.use(await startEngine({ buildx: true, edition: "current" }));
  registry = owned.use(await startRegistry());
  cluster = owned.use(await useKubernetes());
  await cluster.kubectl(["create", "namespace", NAMESPACE]);
  owned.defer(async () => {
    await cluster.kubectl(["delete", "namespace", NAMESPACE, "--wait=false"]);
  });
  await engine.docker(["load", "--quiet", "--input", await buildkitImageArchive()]);
  await engine.docker(["tag", BUILDKIT_IMAGE, imageAt()]);
  await engine.docker(["push", "--quiet", imageAt()]);
  const folder = owned.adopt(await temporaryFolder("belay-drivers"), (one) => one.remove());
  const trivy = await trivyAtHand(folder.path);
  await writeApplication(join(folder.path, "shop"));
  const from = join(folder.path, "shop");
  repository = owned.adopt(await createRepository({ slug: "acme/shop", from }), (one) => one.remove());
  await repository.commit("Open");
  env = { ...engine.env, ...trivy.env, RUNNER_TEMP: folder.path, PATH: `${trivy.path}:${engine.env.PATH}` };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
}, STAND_MS);
afterAll(async () => {
  vi.unstubAllEnvs();
  await owned.disposeAsync();
}, 300_000);

/** Where a cluster's node gets the image of BuildKit from. */
function imageAt(): string {
  return `${registry.address}/moby/buildkit:1`;
}

async function writeApplication(folder: string): Promise<void> {
  const service = (name: string): string =>
    `  ${name}: { image: "${registry.address}/\${DRIVER}/${name}", build: { context: ${name}, test-target: test, platforms: [${BOTH}] } }`;
  await mkdir(folder);
  await writeFile(
    join(folder, "belay.yaml"),
    ["version: 1", "application: shop", "services:", service("web"), service("api"), "environments:", "  staging:"]
      .concat(["    target: { kind: kubernetes, namespace: shop, files: [unused.yaml] }"])
      .concat(["    variables: { DRIVER: none }", ""])
      .join("\n"),
  );
  const busybox = await readFile((await findProgram("busybox", programFolders())) ?? "");
  for (const name of ["web", "api"]) {
    for (const [path, text] of Object.entries({ ...SCAN_FILES.debian, "app/name": name })) {
      await mkdir(dirname(join(folder, name, "files", path)), { recursive: true });
      await writeFile(join(folder, name, "files", path), text);
    }
    await writeFile(join(folder, name, "Dockerfile"), DOCKERFILE);
    await writeFile(join(folder, name, "name"), "shop");
    await writeFile(join(folder, name, "sh"), busybox);
  }
}

interface Driver {
  readonly name: "docker-container" | "kubernetes";
  /** Options of a builder whose BuildKit has this image. */
  readonly options: (image: string) => readonly string[];
  /** Of `image` where nobody has to look for it in a registry. */
  readonly image: () => string;
  /** Added to what the build sees. */
  readonly env: Readonly<Record<string, string>>;
}

const DRIVERS: readonly Driver[] = [
  {
    name: "docker-container",
    options: (image) => [`--driver-opt=image=${image}`],
    image: () => BUILDKIT_IMAGE,
    env: {},
  },
  {
    name: "kubernetes",
    options: (image) => [`--driver-opt=image=${image},namespace=${NAMESPACE},timeout=${TIMEOUT}`],
    image: imageAt,
    // It needs no engine.
    env: { DOCKER_HOST: "unix:///nowhere/docker.sock" },
  },
];
/** Until a builder's pods have to be ready: long for one that will be, short for one that won't. */
const TIMEOUT = "120s";

async function createBuilder({ name, options }: Driver, builder: string, image: string, timeout = TIMEOUT) {
  const words = options(image).map((word) => word.replace(`timeout=${TIMEOUT}`, `timeout=${timeout}`));
  await engine.docker(["buildx", "create", `--name=${builder}`, `--driver=${name}`, ...words], { env: cluster.env });
}

describe.each(DRIVERS)("buildx's driver $name", { timeout: 900_000 }, (driver) => {
  const job = (builder: string, more: Readonly<Record<string, string>> = {}) => {
    const context = createContext(repository.folder, { ...env, ...driver.env });
    const given: Readonly<Record<string, string>> = {
      ...{ environment: "staging", builder, variables: `DRIVER=${driver.name}` },
      release: join(env.RUNNER_TEMP ?? "", driver.name, "release.json"),
      ...more,
    };
    return { context, inputs: loadPipelineInputs(new Inputs((name) => given[name])) };
  };

  beforeAll(() => {
    for (const [name, value] of Object.entries(driver.env)) vi.stubEnv(name, value);
    return () => {
      for (const name of Object.keys(driver.env)) vi.stubEnv(name, env[name]);
    };
  });

  it("builds two services for two platforms, and what is scanned is what the registry serves", async () => {
    const builder = `own-${driver.name}`;
    await createBuilder(driver, builder, driver.image());
    const known = await knownBuilder(async () => false, builder);
    expect(known).toEqual({ kind: "buildx", name: builder, driver: driver.name });
    const { context, inputs } = job(builder);
    const { release, releasePath } = await build(context, inputs);
    expect(context.log.text()).toMatch(
      new RegExp(`Images are built into OCI layouts, .* \\(the builder ${builder} has the driver ${driver.name}\\)`),
    );
    expect(release.evidence.tests?.passed.toSorted()).toEqual(["api", "web"]);
    const scanned = await scan(context, inputs);
    const { release: pushed } = await push(context, inputs);
    for (const service of ["api", "web"]) {
      const built = release.services[service];
      const layout = await readLayout(layoutPath(releasePath, service));
      expect(layout.roots.map(({ digest }) => digest)).toEqual([built?.index]);
      expect(Object.keys(built?.platforms ?? {}).toSorted()).toEqual(BOTH);
      expect(Object.keys(scanned.evidence.services[service]?.platforms ?? {}).toSorted()).toEqual(BOTH);
      expect(pushed.services[service]).toMatchObject({ digest: built?.index, platforms: built?.platforms });
      const manifests = `${registry.url}/v2/${driver.name}/${service}/manifests`;
      expect(await servedDigest(`${manifests}/main`)).toBe(built?.index);
      for (const platform of BOTH) {
        const manifest = built?.platforms[platform]?.manifest;
        expect(await servedDigest(`${manifests}/${manifest}`)).toBe(manifest);
      }
    }
    await engine.docker(["buildx", "rm", builder]);

    // The same commit again, for fewer platforms and for others.
    const fewer = job("nobody", { service: "web", platforms: "linux/arm64" });
    expect((await build(fewer.context, fewer.inputs)).release).toEqual(pushed);
    const others = job("nobody", { service: "web", platforms: "linux/amd64\nlinux/riscv64" });
    await expect(build(others.context, others.inputs)).rejects.toMatchObject({
      code: "TAG_TAKEN",
      got: expect.stringMatching(
        /pushed before without linux\/riscv64: .*\/web:sha-[0-9a-f]{12} is for linux\/amd64, /,
      ),
    });
  });

  it("tells a builder that does not start from a broken build", async () => {
    const builder = `bad-${driver.name}`;
    await createBuilder(driver, builder, `${registry.address}/moby/none:1`, "2s");
    const { context, inputs } = job(builder);
    await repository.commit("Again");
    await expect(build(context, inputs)).rejects.toMatchObject({
      code: "BUILD_FAILED",
      exitCode: 14,
      message: expect.stringMatching(
        new RegExp(
          `^building (api|web): the builder ${builder} \\(driver ${driver.name}\\) did not start: .+ tries it alone`,
        ),
      ),
    });
    await engine.docker(["buildx", "rm", builder]);
  });

  it("tells a builder that there is not", async () => {
    const { context, inputs } = job("nobody");
    await expect(build(context, inputs)).rejects.toMatchObject({
      code: "INVALID_INPUT",
      doing: "looking at the builder nobody",
    });
  });
});
