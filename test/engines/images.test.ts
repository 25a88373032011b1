import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ApplicationSettings, BuildSettings } from "@belay/config";
import { createRunner, knownDigests, Redactor, type Source, systemClock } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { type BuildImagesOptions, buildImages } from "@belay/images";
import { createTestLog, makeBaseImages, type TemporaryFolder, temporaryFolder, useEngine } from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const runner = createRunner(new Redactor());
const DOCKERFILE = `ARG BASE=node:24-alpine
FROM $BASE AS source
COPY app.txt /app.txt

FROM source AS test
RUN grep -q good /app.txt || { echo "1 test failed: not good"; exit 3; }

FROM source AS runtime
ARG GREETING=none
RUN echo "$GREETING" > /greeting
`;
const SOURCE: Source = {
  repository: "https://github.com/acme/shop",
  revision: "0123456789abcdef0123456789abcdef01234567",
  ref: "refs/heads/$(id) --push",
  author: "Ada Lovelace <ada@example.org>",
  committedAt: "2026-01-02T03:04:05Z",
};
let engine: Awaited<ReturnType<typeof useEngine>>;
let plain: TemporaryFolder;
let docker: Docker;
let base: string;

beforeAll(async () => {
  engine = await useEngine({ buildx: true });
  base = (await makeBaseImages(engine)).busybox;
  plain = await temporaryFolder("belay-no-plugins");
  docker = await connectDocker({ env: engine.env });
});
afterAll(async () => {
  await docker?.close();
  await plain?.remove();
  await engine?.stop();
});

/** The builders that this machine's command line has, by the configuration that makes it use them. */
const MODES = ["buildx", "no buildx"] as const;

describe.each(MODES)("building with %s", (mode) => {
  const log = createTestLog();
  let folder: TemporaryFolder;
  let repository: string;

  beforeEach(async () => {
    folder = await temporaryFolder("belay-build");
    repository = `belay-test.invalid/images-${mode.replace(" ", "-")}-${Date.now()}`;
    await writeFile(join(folder.path, "Dockerfile"), DOCKERFILE);
    await writeFile(join(folder.path, "app.txt"), "good");
    return async () => {
      const { stdout } = await engine.docker(["image", "ls", "--format={{.Repository}}:{{.Tag}}"]);
      const mine = stdout.split("\n").filter((name) => name.startsWith(repository));
      if (mine.length > 0) await engine.docker(["image", "rm", "--force", ...mine]);
      await folder.remove();
    };
  });

  function application(build: Partial<BuildSettings> = {}, names: readonly string[] = ["web"]): ApplicationSettings {
    const args = { BASE: base, GREETING: "--push $(id) `id`", ...build.args };
    const settings = { context: folder.path, platforms: [], testTarget: "test", target: "runtime", ...build, args };
    const services = names.map((name) => [name, { image: `${repository}-${name}`, names: {}, build: settings }]);
    return { application: "shop", services: Object.fromEntries(services), directory: folder.path };
  }

  function build(settings: ApplicationSettings, more: Partial<BuildImagesOptions> = {}) {
    const env = mode === "buildx" ? engine.env : { ...engine.env, DOCKER_CONFIG: plain.path };
    return buildImages({
      application: settings,
      source: SOURCE,
      runner,
      docker,
      env,
      layoutOf: (service) => join(folder.path, "..", `${basename(folder.path)}-layouts`, service),
      log,
      clock: systemClock,
      ...more,
    });
  }

  async function tagged(): Promise<string> {
    return (await engine.docker(["image", "ls", "--quiet", `--filter=reference=${repository}*`])).stdout.trim();
  }

  it("makes an image that tells its commit, and names it only then", async () => {
    const release = await build(application());
    const image = release.services.web;
    expect(image).toMatchObject({ repository: `${repository}-web`, tags: ["sha-0123456789ab", "id---push"] });
    expect(release).toMatchObject({ stage: "build", evidence: { tests: { passed: ["web"] } } });
    const author = '{{index .Config.Labels "org.opencontainers.image.authors"}}';
    const name = `${repository}-web:sha-0123456789ab`;
    const seen = await engine.docker(["image", "inspect", `--format={{.Id}} ${author}`, name]);
    const [id, ...rest] = seen.stdout.trim().split(" ");
    expect(rest.join(" ")).toBe("Ada Lovelace <ada@example.org>");
    // The config with the classic store, the manifest with containerd's.
    expect(image && knownDigests(image)).toContain(id);
    const greeting = ["run", "--rm", "--network=none", `${repository}-web:id---push`, "cat", "/greeting"];
    expect((await engine.docker(greeting)).stdout).toBe("--push $(id) `id`\n");
  });

  it("stops at a failing test with its output, the line and the exit code, and tags nothing", async () => {
    await writeFile(join(folder.path, "app.txt"), "bad");
    await expect(build(application({}, ["api", "web"]), { maxParallel: 1 })).rejects.toMatchObject({
      code: "TESTS_FAILED",
      exitCode: 15,
      message: expect.stringMatching(/Dockerfile:6: RUN grep .* exit code 3.*1 test failed: not good/s),
    });
    expect(await tagged()).toBe("");
  });

  it("tells a broken build from a failing test", async () => {
    await writeFile(join(folder.path, "Dockerfile"), DOCKERFILE.replace("COPY app.txt", "COPY none.txt"));
    await expect(build(application())).rejects.toMatchObject({ code: "BUILD_FAILED", exitCode: 14 });
    await writeFile(join(folder.path, "Dockerfile"), `${DOCKERFILE}RUN exit 9\n`);
    await expect(build(application())).rejects.toMatchObject({
      code: "BUILD_FAILED",
      message: expect.stringMatching(/stage runtime.*Dockerfile:11: RUN exit 9 ended with exit code 9/s),
    });
    await expect(build(application({ testTarget: "none" }))).rejects.toMatchObject({ code: "BUILD_FAILED" });
    await expect(build(application({ dockerfile: join(folder.path, "No") }))).rejects.toThrow("There is no No");
    await expect(build(application({ context: join(folder.path, "none") }))).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
    expect(await tagged()).toBe("");
  });

  it("builds services side by side and takes others by their digest", async () => {
    const settings = application({}, ["api", "web"]);
    const digest = `sha256:${"d".repeat(64)}` as const;
    const services = { ...settings.services, cache: { image: `docker.io/library/redis@${digest}`, names: {} } };
    const before = log.lines.length;
    const release = await build({ ...settings, services }, { source: { ...SOURCE, dirty: true }, allowDirty: true });
    expect(Object.keys(release.services)).toEqual(["api", "cache", "web"]);
    expect(release.services.cache).toEqual({ repository: "docker.io/library/redis", platforms: {}, digest, tags: [] });
    expect(release.services.api?.tags[0]).toMatch(/^sha-0123456789ab-dirty-[0-9a-f]{12}$/);
    const groups = log.lines.slice(before).filter((line) => line.startsWith("group: "));
    expect(groups).toEqual(["group: Building api", "group: Building web"]);
  });

  it("ends the builder when the run is cancelled", async () => {
    const slow = DOCKERFILE.replace("grep -q good", "sleep 60; grep -q good");
    await writeFile(join(folder.path, "Dockerfile"), slow);
    const stop = new AbortController();
    const running = build(application(), { signal: stop.signal });
    const began = Date.now();
    setTimeout(() => stop.abort(new Error("the job was cancelled")), 1_000);
    await expect(running).rejects.toThrow("the job was cancelled");
    expect(Date.now() - began).toBeLessThan(10_000);
  });
});

describe("an image that is there already", () => {
  const label = "org.opencontainers.image.revision";
  let folder: TemporaryFolder;

  beforeEach(async () => {
    folder = await temporaryFolder("belay-adopt");
    await writeFile(join(folder.path, "app.txt"), "good");
    return () => folder.remove();
  });

  function adopt(from: string, more: Partial<BuildSettings> = {}) {
    const taken = more.archive === undefined ? { from } : more;
    const build = { context: folder.path, args: {}, platforms: [], ...taken };
    const services = { web: { image: "belay-test.invalid/adopted", names: {}, build } };
    const application = { application: "shop", services, directory: folder.path };
    const common = { runner, docker, env: engine.env, log: createTestLog(), clock: systemClock };
    return buildImages({ application, source: SOURCE, layoutOf: (service) => join(folder.path, service), ...common });
  }

  async function made(name: string, revision: string): Promise<string> {
    await writeFile(join(folder.path, "Dockerfile"), `FROM ${base}\nLABEL made=${name}\n`);
    await engine.docker([
      "build",
      `--tag=${name}`,
      ...(revision === "" ? [] : [`--label=${label}=${revision}`]),
      folder.path,
    ]);
    return (await engine.docker(["image", "inspect", "--format={{.Id}}", name])).stdout.trim();
  }

  it("is taken by its name or ID when its label names the commit, and only then", async () => {
    const id = await made("belay-test-adopted:ci", SOURCE.revision);
    for (const from of ["belay-test-adopted:ci", id]) {
      const { services, evidence } = await adopt(from);
      expect(services.web).toMatchObject({ tags: ["sha-0123456789ab", "id---push"] });
      expect(services.web && knownDigests(services.web)).toContain(id);
      expect(evidence.tests).toEqual({ passed: [] });
    }
    const named = ["image", "inspect", "--format={{.Id}}", "belay-test.invalid/adopted:sha-0123456789ab"];
    expect((await engine.docker(named)).stdout.trim()).toBe(id);
    const archive = join(folder.path, "saved.tar");
    await engine.docker(["save", `--output=${archive}`, "belay-test-adopted:ci"]);
    const { services } = await adopt("", { archive });
    expect(services.web?.platforms["linux/amd64"]).toEqual({
      config: expect.stringMatching(/^sha256:/),
      manifest: expect.stringMatching(/^sha256:/),
    });
    // The ID with the classic store; the containerd store's is the manifest.
    expect(services.web && knownDigests(services.web)).toContain(id);
    await made("belay-test-adopted:other", "f".repeat(40));
    await expect(adopt("belay-test-adopted:other")).rejects.toMatchObject({
      code: "INVALID_INPUT",
      got: expect.stringContaining("was built from ffff"),
    });
    await made("belay-test-adopted:bare", "");
    await expect(adopt("belay-test-adopted:bare")).rejects.toThrow(`has no label ${label}`);
    await expect(adopt("belay-test-adopted:none")).rejects.toThrow("the engine has no image");
  });
});

describe("before anything is built", () => {
  const settings = (image: string, build: Partial<BuildSettings> = {}): ApplicationSettings => ({
    application: "shop",
    services: { web: { image, names: {}, build: { context: ".", args: {}, platforms: [], ...build } } },
    directory: ".",
  });
  const build = (application: ApplicationSettings, source = SOURCE) =>
    buildImages({
      ...{ application, source, runner, docker, env: engine.env, log: createTestLog(), clock: systemClock },
      layoutOf: (service) => join(plain.path, service),
    });

  it("refuses a dirty tree, several platforms, a tag of the user's, and what is no name", async () => {
    const dirty = build(settings("a.invalid/b"), { ...SOURCE, dirty: true });
    await expect(dirty).rejects.toMatchObject({ code: "DIRTY_TREE" });
    const platforms = ["linux/amd64", "linux/arm64"];
    await expect(build(settings("a.invalid/b", { platforms }))).rejects.toMatchObject({
      code: "INVALID_INPUT",
      got: expect.stringContaining("it wants 2 platforms (linux/amd64, linux/arm64), and the engine keeps one"),
      next: expect.stringMatching(
        /^Use a builder of its own \(.*`docker buildx create --use`\), an engine with containerd's/,
      ),
    });
    await expect(build(settings("a.invalid/b:1"))).rejects.toThrow("has a tag or digest");
    await expect(build(settings("ghcr.io/Acme/Shop"))).rejects.toThrow("write ghcr.io/acme/shop");
    const { build: _none, ...unbuilt } = { ...settings("redis:7").services.web, names: {} };
    const outside = { ...settings("redis:7"), services: { cache: unbuilt } };
    await expect(build(outside)).rejects.toThrow("no registry gives a digest for it");
  });
});

describe("with an old command line", () => {
  it.each(["/usr/bin/docker"])("%s builds with the BuildKit inside, or is too old for the engine", async (cli) => {
    await using folder = await temporaryFolder("belay-build");
    await writeFile(join(folder.path, "Dockerfile"), DOCKERFILE);
    await writeFile(join(folder.path, "app.txt"), "good");
    const client = Number(/version (\d+)\./.exec((await runner(cli, ["--version"])).stdout)?.[1]);
    const { MinAPIVersion: least = "" } = await docker.version();
    const log = createTestLog();
    const repository = `belay-test.invalid/old-${Date.now()}`;
    const settings = { context: folder.path, args: { BASE: base }, platforms: [], testTarget: "test" };
    const building = buildImages({
      application: {
        application: "shop",
        services: { web: { image: repository, names: {}, build: settings } },
        directory: folder.path,
      },
      source: SOURCE,
      runner,
      docker,
      cli,
      env: { ...engine.env, DOCKER_CONFIG: plain.path },
      layoutOf: (service) => join(folder.path, "layouts", service),
      log,
      clock: systemClock,
    });
    if (client < 23 && Number(least.split(".")[1]) > 41) {
      await expect(building).rejects.toMatchObject({ code: "TOOL_TOO_OLD" });
      return;
    }
    const image = (await building).services.web;
    expect(image && knownDigests(image)).toHaveLength(1);
    if (client < 23) expect(log.text()).toContain("#1 [internal] load build definition");
    for (const tag of image?.tags ?? []) await docker.images.remove(`${repository}:${tag}`);
  });
});
