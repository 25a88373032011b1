/** An engine on another machine, as `DOCKER_HOST` names it: by ssh, or by TLS for whoever has the client's certificate. */
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
  type ThrowawayRepository,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createContext } from "../../packages/pipeline/src/testing/create-context.ts";
import { servedDigest } from "./push-stand.ts";
import { startTlsDoor, type TlsDoor } from "./start-tls-door.ts";

const DOCKERFILE = `FROM ${BASE_IMAGES.busybox} AS test
COPY name /name
RUN test "$(cat /name)" = shop
FROM ${BASE_IMAGES.busybox} AS runtime
COPY name /name
`;

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
    const services = `services: { web: { image: "${registry.address}/\${WAY}/web", build: { context: ., test-target: test } } }`;
    await repository.commit("Open", {
      "belay.yaml": `version: 1\napplication: shop\n${services}\nenvironments:\n  staging: { target: { kind: compose, files: [none.yaml] }, variables: { WAY: none } }\n`,
      Dockerfile: DOCKERFILE,
      name: "shop",
    });
  });
  afterAll(() => owned.disposeAsync());
  afterEach(() => vi.unstubAllEnvs());

  /** What leads to the engine. */
  function environmentOf(way: (typeof WAYS)[number]): Variables {
    if (way === "ssh") return { DOCKER_HOST: ssh.host };
    return { DOCKER_HOST: tls.host, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: tls.certificates };
  }

  /** A job on a runner that has these variables, and no engine of its own. */
  function job(way: string, more: Variables) {
    vi.unstubAllEnvs();
    const settings: Variables = builder === "buildx" ? {} : { DOCKER_CONFIG: temporary };
    const path = `${ssh.env.PATH?.split(":")[0]}:${engine.env.PATH}`;
    const env = { ...engine.env, ...settings, PATH: path, RUNNER_TEMP: join(temporary, String(++jobs)), ...more };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const given: Variables = { environment: "staging", variables: `WAY=${way}`, scan: "off" };
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
});
