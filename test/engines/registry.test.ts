import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createRunner,
  knownDigests,
  Redactor,
  type Release,
  releaseDigest,
  type Source,
  systemClock,
} from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { buildImages } from "@belay/images";
import {
  attachRelease,
  createAuthenticator,
  createRegistryClient,
  findRelease,
  insecureRegistries,
  pushRelease,
  type RegistryClient,
} from "@belay/registry";
import {
  createTestLog,
  makeBaseImages,
  type RegistryRig,
  startRegistry,
  type TemporaryFolder,
  temporaryFolder,
  useEngine,
} from "@belay/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const PASSWORD = "s3cret-of-the-registry";
const redactor = new Redactor();
const runner = createRunner(redactor);
const log = createTestLog(redactor);
let engine: Awaited<ReturnType<typeof useEngine>>;
let docker: Docker;
let base: string;

beforeAll(async () => {
  engine = await useEngine({ buildx: true });
  base = (await makeBaseImages(engine)).busybox;
  docker = await connectDocker({ env: engine.env });
});
afterAll(async () => {
  await docker?.close();
  await engine?.stop();
});

describe.each(["open", "with a login"] as const)("a real registry, %s", (kind) => {
  let rig: RegistryRig;
  let folder: TemporaryFolder;
  let client: RegistryClient;
  const auth = () => createAuthenticator({ env: { DOCKER_CONFIG: folder.path }, runner, redactor });

  beforeEach(async () => {
    folder = await temporaryFolder("belay-registry-test");
    rig = await startRegistry(kind === "open" ? {} : { auth: { user: "ada", password: PASSWORD } });
    const login = { auths: { [rig.address]: { auth: Buffer.from(`ada:${PASSWORD}`).toString("base64") } } };
    if (kind !== "open") await writeFile(join(folder.path, "config.json"), JSON.stringify(login));
    await writeFile(join(folder.path, "Dockerfile"), "ARG BASE\nFROM $BASE\nCOPY app.txt /app.txt\n");
    client = await clientWith();
  });
  afterEach(async () => {
    client.close();
    const format = "--format={{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}";
    const { stdout } = await engine.docker(["image", "ls", "--digests", format]);
    const mine = stdout.split(/\s+/).filter((name) => name.startsWith(rig.address) && !name.includes("<none>"));
    if (mine.length > 0)
      await engine.docker(["image", "rm", "--force", ...new Set(mine)], { allowedExitCodes: [0, 1] });
    await rig.stop();
    await folder.remove();
  });

  async function clientWith(attempts = 5): Promise<RegistryClient> {
    const insecure = insecureRegistries(await docker.info());
    return createRegistryClient({ auth: auth(), redactor, log, clock: systemClock, insecure, attempts });
  }

  async function build(content: string, names: readonly string[] = ["web"]): Promise<Release> {
    await writeFile(join(folder.path, "app.txt"), content);
    const settings = { context: folder.path, args: { BASE: base }, platforms: [] };
    const services = names.map((name) => [name, { image: `${rig.address}/acme/${name}`, names: {}, build: settings }]);
    const source: Source = { repository: "", revision: "0123456789ab".padEnd(40, "0"), ref: "refs/heads/main" };
    return buildImages({
      application: { application: "shop", services: Object.fromEntries(services), directory: folder.path },
      source,
      runner,
      docker,
      // Once with buildx, once with what docker has without it.
      env: kind === "open" ? engine.env : { ...engine.env, DOCKER_CONFIG: folder.path },
      layoutOf: (service) => join(folder.path, "layouts", service),
      log,
      clock: systemClock,
    });
  }

  function push(release: Release, registry = client): Promise<Release> {
    return pushRelease({ release, docker, registry, auth: auth(), log, clock: systemClock });
  }

  it("gets exactly the image that was built, under every tag, and gives its release back", async () => {
    const release = await build("one", ["api", "web"]);
    const pushed = await push(release);
    const web = pushed.services.web;
    const built = release.services.web;
    expect(built && knownDigests(built)).not.toEqual([]);
    expect(web).toMatchObject({ tags: ["sha-0123456789ab", "main"], digest: expect.stringMatching(/^sha256:/) });
    for (const tag of web?.tags ?? []) await engine.docker(["image", "rm", `${web?.repository}:${tag}`]);
    await docker.images.pull(`${web?.repository}@${web?.digest}`, {
      auth: (await auth().engineAuth(rig.address)) ?? {},
    });
    const seen = await engine.docker(["image", "inspect", "--format={{.Id}}", `${web?.repository}@${web?.digest}`]);
    expect(web && knownDigests(web)).toEqual(expect.arrayContaining(built ? knownDigests(built) : []));
    expect(web && knownDigests(web)).toContain(seen.stdout.trim());
    await engine.docker(["image", "rm", `${web?.repository}@${web?.digest}`]);
    expect(await client.resolve(`${web?.repository}:main`)).toMatchObject({ digest: web?.digest });

    await attachRelease({ release: pushed, registry: client, clock: systemClock, log });
    const found = await findRelease(client, `${rig.address}/acme/api:main`, log);
    expect(found).toMatchObject({ release: pushed, digest: releaseDigest(pushed) });
  });

  it("is not pushed to twice, and keeps its SHA tag when another build comes for it", async () => {
    const first = await push(await build("one"));
    const again = await push(await build("one"));
    expect(again.services).toEqual(first.services);
    expect(log.text()).toContain("is there already, the same image");
    await expect(push(await build("two", ["new", "web"]))).rejects.toMatchObject({ code: "TAG_TAKEN", exitCode: 16 });
    expect(await client.resolve(`${rig.address}/acme/new:sha-0123456789ab`)).toBeUndefined();
    const kept = await client.resolve(`${rig.address}/acme/web:sha-0123456789ab`);
    expect(kept?.digest).toBe(first.services.web?.digest);
  });

  it("that is down is told, and pushed to once it is back", async () => {
    const release = await build("one");
    await rig.pause();
    const impatient = await clientWith(2);
    await expect(push(release, impatient)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    impatient.close();
    const waiting = push(release);
    await rig.start();
    expect((await waiting).services.web?.digest).toMatch(/^sha256:/);
  });

  it("that dies under a push is pushed to again by the engine once it is back", async () => {
    const release = await build("one");
    let tries = 0;
    let back: Promise<void> | undefined;
    const push: Docker["images"]["push"] = async (reference, options) => {
      if (++tries === 1) {
        await rig.kill();
        back = systemClock.sleep(300).then(() => rig.start());
      }
      return docker.images.push(reference, options);
    };
    const dying = { images: { tag: docker.images.tag, push } };
    const pushed = await pushRelease({
      release,
      docker: dying,
      registry: client,
      auth: auth(),
      log,
      clock: systemClock,
    });
    await back;
    expect(tries).toBeGreaterThan(1);
    expect(await client.resolve(`${rig.address}/acme/web:main`)).toMatchObject({ digest: pushed.services.web?.digest });
  });

  it("whose SHA tag somebody moves while the engine pushes is found out", async () => {
    const release = await build("ours");
    await push(await build("theirs", ["other"]));
    const theirs = await client.resolve(`${rig.address}/acme/other:main`);
    const pushTwice: Docker["images"]["push"] = async (reference, options) => {
      const pushed = await docker.images.push(reference, options);
      await docker.images.tag(`${rig.address}/acme/other:main`, reference);
      await docker.images.push(reference, options);
      return pushed;
    };
    const images = { tag: docker.images.tag, push: pushTwice };
    const options = { release, docker: { images }, registry: client, auth: auth(), log, clock: systemClock };
    await expect(pushRelease(options)).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
      exitCode: 16,
      message: expect.stringContaining("the config of linux/amd64"),
    });
    const moved = await client.resolve(`${rig.address}/acme/web:sha-0123456789ab`);
    expect(moved?.platforms["linux/amd64"]?.config).toBe(theirs?.platforms["linux/amd64"]?.config);
    expect(await client.resolve(`${rig.address}/acme/web:main`)).toBeUndefined();
  });

  it("never sees its password in what we log", async () => {
    expect(log.text()).not.toContain(PASSWORD);
    expect(log.text()).not.toContain(Buffer.from(`ada:${PASSWORD}`).toString("base64"));
  });
});

describe("a real registry with the wrong login", () => {
  it("refuses, and the message tells who was refused and how to log in", async () => {
    await using folder = await temporaryFolder("belay-registry-test");
    await using rig = await startRegistry({ auth: { user: "ada", password: PASSWORD } });
    const env = { DOCKER_CONFIG: folder.path };
    const insecure = insecureRegistries();
    const reading = async () => {
      const auth = createAuthenticator({ env, runner, redactor });
      const client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure });
      try {
        return await client.resolve(`${rig.address}/acme/web:main`);
      } finally {
        client.close();
      }
    };
    await expect(reading()).rejects.toThrow(`nobody is logged in). Log in first: \`docker login ${rig.address}\``);
    const wrong = { auths: { [rig.address]: { auth: Buffer.from("ada:wrong-one").toString("base64") } } };
    await writeFile(join(folder.path, "config.json"), JSON.stringify(wrong));
    await expect(reading()).rejects.toMatchObject({
      code: "REGISTRY_UNAUTHORISED",
      message: expect.stringContaining("as `ada` of the docker config's entry"),
    });
  });
});
