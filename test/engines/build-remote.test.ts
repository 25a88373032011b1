/** An engine on another machine, as `DOCKER_HOST` names it: by ssh, or by TLS for whoever has the client's certificate. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Inputs } from "@belay/core";
import { build, loadPipelineInputs, push } from "@belay/pipeline";
import {
  BASE_IMAGES,
  createRepository,
  type EngineRig,
  makeBaseImages,
  type RegistryRig,
  type SshRig,
  startEngine,
  startRegistry,
  startSsh,
  startTcpProxy,
  type ThrowawayRepository,
  temporaryFolder,
  waitUntil,
} from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { layoutPath, releasePath } from "../../packages/pipeline/src/run/places.ts";
import { createContext } from "../../packages/pipeline/src/testing/create-context.ts";
import { servedDigest } from "./push-stand.ts";
import { startTlsDoor, type TlsDoor } from "./start-tls-door.ts";

const DOCKERFILE = `FROM ${BASE_IMAGES.busybox} AS test
COPY name /name
RUN test "$(cat /name)" = shop
FROM ${BASE_IMAGES.busybox} AS runtime
COPY name /name
`;

/** Until a busy machine has come to it. */
const PATIENT = { withinMs: 30_000 };

type Variables = Readonly<Record<string, string>>;

const WAYS = ["ssh", "tls"] as const;
const EDITIONS = [
  { edition: "debian", builder: "buildx", kept: "into the Docker engine, with one platform" },
  { edition: "debian", builder: "none of buildx's", kept: "into the Docker engine, with one platform" },
  { edition: "current", builder: "buildx", kept: "into OCI layouts, with every platform" },
] as const;

describe.each(EDITIONS)("an engine ($edition, $builder) on another machine", ({ edition, builder, kept }) => {
  const owned = new AsyncDisposableStack();
  let engine: EngineRig;
  let registry: RegistryRig;
  let repository: ThrowawayRepository;
  let temporary: string;
  let ssh: SshRig;
  let tls: TlsDoor;
  let jobs = 0;

  beforeAll(async () => {
    engine = owned.use(await startEngine({ buildx: true, edition }));
    registry = owned.use(await startRegistry());
    ssh = owned.use(await startSsh({ dockerHost: engine.host }));
    tls = owned.use(await startTlsDoor(engine.host.replace("unix://", "")));
    temporary = owned.adopt(await temporaryFolder("belay-far"), (one) => one.remove()).path;
    repository = owned.adopt(await createRepository({ slug: "acme/shop" }), (one) => one.remove());
    await makeBaseImages(engine);
    const services = `services: { web: { image: "\${AT}/\${WAY}/web", build: { context: ., test-target: test } } }`;
    await repository.commit("Open", {
      "belay.yaml": `version: 1\napplication: shop\n${services}\nenvironments:\n  staging: { target: { kind: compose, files: [none.yaml] }, variables: { WAY: none, AT: none } }\n`,
      Dockerfile: DOCKERFILE,
      name: "shop",
    });
  });
  afterAll(() => owned.disposeAsync());
  afterEach(async () => {
    vi.unstubAllEnvs();
    await ssh.know("right");
  });

  /** What leads to the engine. */
  function environmentOf(way: (typeof WAYS)[number]): Variables {
    if (way === "ssh") return { DOCKER_HOST: ssh.host };
    return { DOCKER_HOST: tls.host, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: tls.certificates };
  }

  /** A job on a runner that has these variables, and no engine of its own. */
  function job(way: string, more: Variables, extra: Variables = {}, at = registry.address) {
    vi.unstubAllEnvs();
    const settings: Variables = builder === "buildx" ? {} : { DOCKER_CONFIG: temporary };
    const path = `${ssh.env.PATH?.split(":")[0]}:${engine.env.PATH}`;
    const env = { ...engine.env, ...settings, PATH: path, RUNNER_TEMP: join(temporary, String(++jobs)), ...more };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const given: Variables = { environment: "staging", variables: `WAY=${way}\nAT=${at}`, scan: "off", ...extra };
    const context = createContext(repository.folder, env);
    return { context, inputs: loadPipelineInputs(new Inputs((name) => given[name])) };
  }

  const arrivals = async (way: string): Promise<number> => (way === "ssh" ? ssh.logins() : tls.clients());

  it.each(WAYS)("tests, builds and pushes by %s, and what it built is what the registry serves", async (way) => {
    const before = await arrivals(way);
    const { context, inputs } = job(way, environmentOf(way));
    const { release } = await build(context, inputs);
    expect(await arrivals(way)).toBeGreaterThan(before);
    expect(context.log.text()).toContain(kept);
    expect(release.evidence.tests?.passed).toEqual(["web"]);
    const { release: pushed } = await push(context, inputs);
    const { digest, platforms = {}, repository: name } = pushed.services.web ?? {};
    const manifests = `${registry.url}/v2/${way}/web/manifests`;
    expect(await servedDigest(`${manifests}/main`)).toBe(digest);
    const [identity] = Object.values(platforms);
    expect(identity?.config).toBe(Object.values(release.services.web?.platforms ?? {})[0]?.config);
    const { stdout } = await engine.docker(["run", "--rm", "--network=none", `${name}@${digest}`, "cat", "/name"]);
    expect(stdout).toBe("shop");
  });

  it("that can't be had is told as such, by the build and by the push of what is on it", async () => {
    const { context, inputs } = job("refused", environmentOf("tls"));
    await build(context, inputs);
    await using other = await startTlsDoor("/nowhere");
    const refusals: readonly (readonly [code: string, way: Variables])[] = [
      ["ENGINE_FORBIDDEN", { DOCKER_HOST: ssh.host.replace("root@", "nobody@") }],
      ["ENGINE_UNREACHABLE", { DOCKER_HOST: "tcp://127.0.0.1:1" }],
      ["ENGINE_TLS", { ...environmentOf("tls"), DOCKER_CERT_PATH: other.certificates }],
      ["ENGINE_HOST_KEY", { DOCKER_HOST: ssh.host }],
    ];
    for (const [code, way] of refusals) {
      await ssh.know(code === "ENGINE_HOST_KEY" ? "wrong" : "right");
      const again = job("refused", way);
      await expect(build(again.context, again.inputs), code).rejects.toMatchObject({ code });
      // What is on disk needs no engine.
      if (kept.includes("layouts")) continue;
      await expect(push({ ...again.context, env: context.env }, inputs), code).rejects.toMatchObject({ code });
    }
  });

  /** Makes an image of this commit as another tool would, by the engine's own builder. */
  async function makeElsewhere(dockerfile: string, ...words: readonly string[]): Promise<void> {
    const context = join(temporary, "elsewhere");
    await mkdir(context, { recursive: true });
    await writeFile(join(context, "Dockerfile"), dockerfile);
    await writeFile(join(context, "name"), "made elsewhere");
    const label = `--label=org.opencontainers.image.revision=${await repository.git("rev-parse", "HEAD")}`;
    await engine.docker(["buildx", "build", ...words, label, context]);
  }

  it("takes what was built there before by ssh, and what it took is what the registry serves", async () => {
    const name = "belay-test.invalid/elsewhere:1";
    await makeElsewhere(DOCKERFILE, "--load", `--tag=${name}`);
    const id = (await engine.docker(["image", "inspect", "--format={{.Id}}", name])).stdout.trim();
    const before = await ssh.logins();
    const { context, inputs } = job("elsewhere", { DOCKER_HOST: ssh.host }, { "from-image": name });
    const { release } = await build(context, inputs);
    expect(await ssh.logins()).toBeGreaterThan(before);
    expect(context.log.text()).toContain(`web: ${name} (${id}) is taken as it is`);
    expect(release.evidence.tests?.passed).toEqual([]);
    const { release: pushed } = await push(context, inputs);
    const { digest, platforms = {} } = pushed.services.web ?? {};
    expect(await servedDigest(`${registry.url}/v2/elsewhere/web/manifests/main`)).toBe(digest);
    // A classic store knows it by its config, containerd's by what it pushes.
    const [identity] = Object.values(platforms);
    expect(edition === "debian" ? identity?.config : digest).toBe(id);
    await engine.docker(["image", "rm", "--force", id]);
    const { stdout } = await engine.docker([
      ...["run", "--rm", "--network=none", `${registry.address}/elsewhere/web@${digest}`, "cat", "/name"],
    ]);
    expect(stdout).toBe("made elsewhere");
  });

  if (edition === "current") {
    it("gives every platform that it has pulled of an index, which stays the same; a platform that it lacks is refused", async () => {
      const name = `${registry.address}/elsewhere/both:ci`;
      const both = ["linux/amd64", "linux/arm64"];
      await makeElsewhere(
        "FROM scratch\nCOPY name /name\nARG TARGETARCH\nLABEL made-for=$TARGETARCH\n",
        ...["--push", "--provenance=mode=min", `--platform=${both}`, `--tag=${name}`],
      );
      const made = await servedDigest(`${registry.url}/v2/elsewhere/both/manifests/ci`);
      await engine.docker(["image", "rm", "--force", name]);
      const take = (...platforms: string[]) =>
        job("both", { DOCKER_HOST: ssh.host }, { "from-image": name, platforms: platforms.join("\n") });
      const refused = async (got: string, ...platforms: string[]) => {
        const { context, inputs } = take(...platforms);
        await expect(build(context, inputs)).rejects.toMatchObject({ code: "INVALID_INPUT", got });
      };
      await engine.docker(["pull", "--quiet", "--platform=linux/amd64", name]);
      await refused("it is for linux/amd64, and linux/amd64, linux/arm64 is asked for", ...both);
      await engine.docker(["pull", "--quiet", "--platform=linux/arm64", name]);
      await refused("it is for linux/amd64, linux/arm64, and linux/riscv64 is asked for", "linux/riscv64");
      const { context, inputs } = take(...both);
      const { release } = await build(context, inputs);
      // With the attestation of each, which the engine has pulled, too.
      const layout = layoutPath(releasePath(context, inputs), "web");
      const { manifests: parts } = JSON.parse(await readFile(join(layout, "blobs", ...made.split(":")), "utf8"));
      expect(parts).toHaveLength(4);
      expect(release.services.web?.index).toBe(made);
      expect(Object.keys(release.services.web?.platforms ?? {}).sort()).toEqual(both);
      const { release: pushed } = await push(context, inputs);
      expect(pushed.services.web).toMatchObject({ digest: made, platforms: release.services.web?.platforms });
      const manifests = `${registry.url}/v2/both/web/manifests`;
      expect(await servedDigest(`${manifests}/main`)).toBe(made);
      for (const { manifest } of Object.values(pushed.services.web?.platforms ?? {})) {
        expect(await servedDigest(`${manifests}/${manifest}`)).toBe(manifest);
      }
    });
  }

  /** Bytes that the registry has of uploads that have not ended (distribution, "storage/driver/filesystem"). */
  async function uploading(repositoryName: string): Promise<number> {
    const folder = join(registry.folder, "docker/registry/v2/repositories", repositoryName, "_uploads");
    const sizes = (await readdir(folder, { recursive: true })).map(
      async (file) => (await stat(join(folder, file))).size,
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  if (builder === "buildx" && edition === "debian") {
    it("that is cut off amid a push is told as such, nothing has a tag, and the next run pushes the rest", async () => {
      await using proxy = await startTcpProxy({ port: Number(registry.address.split(":")[1]) });
      await repository.commit("Grow", {
        Dockerfile: `${DOCKERFILE}COPY large /large\n`,
        large: randomBytes(6 * 1024 * 1024).toString("base64"),
      });
      const at = `127.0.0.1:${proxy.port}`;
      const { context, inputs } = job("cut", {}, {}, at);
      const { release } = await build(context, inputs);
      const far = { ...job("cut", { DOCKER_HOST: ssh.host }, {}, at).context, env: context.env };
      const tags = async () => (await fetch(`${registry.url}/v2/cut/web/tags/list`)).json();

      proxy.slow(20);
      const cut = expect(push(far, inputs)).rejects.toMatchObject({
        code: "ENGINE_UNREACHABLE",
        doing: expect.stringMatching(/^pushing 127\.0\.0\.1:\d+\/cut\/web:sha-/),
        message: expect.stringMatching(/the connection to the Docker engine (?:was cut|broke).* Run it again/),
      });
      await waitUntil("a layer is on its way", async () => (await uploading("cut/web")) > 1024 * 1024, PATIENT);
      expect(await ssh.killSessions()).toBeGreaterThan(0);
      await cut;
      proxy.slow(0);
      // It was the engine that pushed, and it does not go on for nobody.
      await waitUntil("the engine gives up", async () => /client disconnected/.test(await registry.log()), PATIENT);
      expect(await tags()).toMatchObject({ errors: [{ code: "NAME_UNKNOWN" }] });

      const { release: pushed } = await push(far, inputs);
      const { digest, platforms = {} } = pushed.services.web ?? {};
      for (const tag of release.services.web?.tags ?? []) {
        expect(await servedDigest(`${registry.url}/v2/cut/web/manifests/${tag}`)).toBe(digest);
      }
      expect(Object.values(platforms)[0]?.config).toBe(Object.values(release.services.web?.platforms ?? {})[0]?.config);
    });
  }
});
