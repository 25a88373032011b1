import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ApplicationSettings, BuildSettings } from "@belay/config";
import { createRunner, Redactor, type Source, systemClock } from "@belay/core";
import { readLayout } from "@belay/core/oci-layout";
import { connectDocker, type Docker } from "@belay/docker";
import { type BuildImagesOptions, buildImages, findBuilder, knownBuilder } from "@belay/images";
import {
  type BuildkitRig,
  createTestLog,
  type EngineRig,
  startBuildkit,
  startEngine,
  type TemporaryFolder,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const runner = createRunner(new Redactor());
/** No step runs for the other processor, so no emulation is needed. */
const DOCKERFILE = "FROM scratch AS runtime\nCOPY app.txt /app.txt\n";
const BOTH = ["linux/amd64", "linux/arm64"];
const SOURCE: Source = {
  repository: "https://github.com/acme/shop",
  revision: "0123456789abcdef0123456789abcdef01234567",
  ref: "refs/heads/main",
  author: "Ada Lovelace <ada@example.org>",
  committedAt: "2026-01-02T03:04:05Z",
};

interface Stand {
  readonly engine: EngineRig;
  readonly buildkit?: BuildkitRig;
  readonly docker: Docker;
}

/** Both ways to have a builder that writes layouts. */
const STANDS: Readonly<Record<string, () => Promise<Omit<Stand, "docker">>>> = {
  "a BuildKit of its own": async () => {
    const engine = await startEngine({ buildx: true, edition: "debian" });
    const buildkit = await startBuildkit();
    await buildkit.addTo(engine.env, "own", { use: true });
    return { engine, buildkit };
  },
  "an engine with containerd's image store": async () => ({
    engine: await startEngine({ buildx: true, edition: "current" }),
  }),
};

describe.each(Object.keys(STANDS))("an image layout, built by %s", (kind) => {
  let stand: Stand;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    const started = await STANDS[kind]?.();
    if (started === undefined) throw new TypeError(kind);
    stand = { ...started, docker: await connectDocker({ env: started.engine.env }) };
  }, 2_400_000);
  afterAll(async () => {
    await stand?.docker.close();
    await stand?.buildkit?.stop();
    await stand?.engine.stop();
  });
  beforeEach(async () => {
    folder = await temporaryFolder("belay-layout");
    await mkdir(join(folder.path, "src"));
    await writeFile(join(folder.path, "src/Dockerfile"), DOCKERFILE);
    await writeFile(join(folder.path, "src/app.txt"), "good");
    return () => folder.remove();
  });

  function application(build: Partial<BuildSettings> = {}, names: readonly string[] = ["web"]): ApplicationSettings {
    const settings = { context: join(folder.path, "src"), args: {}, platforms: BOTH, ...build };
    const services = names.map((name) => [name, { image: `belay-test.invalid/${name}`, names: {}, build: settings }]);
    return { application: "shop", services: Object.fromEntries(services), directory: folder.path };
  }

  function layoutOf(service: string): string {
    return join(folder.path, "release, of a commit", service);
  }

  function build(settings: ApplicationSettings, more: Partial<BuildImagesOptions> = {}) {
    const { docker, engine } = stand;
    const common = { runner, docker, env: engine.env, log: createTestLog(), clock: systemClock, layoutOf };
    return buildImages({ application: settings, source: SOURCE, ...common, ...more });
  }

  it("comes from a builder that is known without buildx as buildx itself names it", async () => {
    const { docker, engine, buildkit } = stand;
    const env = { ...process.env, ...engine.env };
    const known = (name?: string) => knownBuilder(() => docker.hasBuildKit(), name, env);
    const named = (name?: string) => findBuilder({ runner, env: engine.env }, undefined, name);
    // buildx notes what is chosen when it is first asked.
    const chosen = await named();
    expect(chosen).toMatchObject({ name: buildkit === undefined ? "default" : "own" });
    expect(await known()).toEqual(chosen);
    expect(await known(chosen.name)).toEqual(chosen);
    expect(await known("default")).toEqual(await named("default"));
    expect(await known("nobody")).toBeUndefined();
  });

  it("has every platform, and the release has the identity that is in it", async () => {
    const log = createTestLog();
    const { services } = await build(application({}, ["api", "web"]), { log });
    expect(log.text()).toMatch(/^info: Images are built into OCI layouts, with every platform \(.*\)\.$/m);
    for (const name of ["api", "web"]) {
      const layout = await readLayout(layoutOf(name));
      const platforms = layout.entries.map(({ platform, manifest, config }) => [platform, { manifest, config }]);
      expect(services[name]).toEqual({
        repository: `belay-test.invalid/${name}`,
        index: layout.roots[0]?.digest,
        platforms: Object.fromEntries(platforms),
        tags: ["sha-0123456789ab", "main"],
      });
      expect(Object.keys(services[name]?.platforms ?? {}).sort()).toEqual(BOTH);
    }
    const config = services.web?.platforms["linux/arm64"]?.config?.replace(":", "/");
    const written = JSON.parse(await readFile(join(layoutOf("web"), "blobs", config ?? ""), "utf8"));
    expect(written.config.Labels["org.opencontainers.image.revision"]).toBe(SOURCE.revision);
    // Nothing of it is in the engine.
    expect((await stand.engine.docker(["image", "ls", "--quiet"])).stdout).toBe("");
  });

  it("has a manifest and no index for one platform, and nothing of the build before", async () => {
    await build(application());
    const { services } = await build(application({ platforms: [] }));
    const { roots, entries } = await readLayout(layoutOf("web"));
    const [entry] = entries;
    expect(roots.map((root) => root.digest)).toEqual([entry?.manifest]);
    expect(services.web?.platforms).toEqual({ "linux/amd64": { manifest: entry?.manifest, config: entry?.config } });
    expect(services.web?.index).toBeUndefined();
  });

  it("is not made when the test stage fails", async () => {
    const busybox = join(folder.path, "src/sh");
    await writeFile(busybox, await readFile("/bin/busybox"), { mode: 0o755 });
    const test = `FROM scratch AS test\nCOPY --chmod=755 sh /bin/sh\nRUN echo not good; exit 3\n`;
    await writeFile(join(folder.path, "src/Dockerfile"), `${test}${DOCKERFILE}`);
    await build(application({ platforms: [] }));
    await rm(layoutOf("web"), { recursive: true });
    const tested = build(application({ platforms: [], testTarget: "test" }));
    await expect(tested).rejects.toMatchObject({
      code: "TESTS_FAILED",
      message: expect.stringMatching(/Dockerfile:3: RUN .* exit code 3.*not good/s),
    });
    await expect(readLayout(layoutOf("web"))).rejects.toMatchObject({ code: "RELEASE_INVALID" });
  });

  it("is told apart by its content when the tree is dirty", async () => {
    const dirty = { source: { ...SOURCE, dirty: true }, allowDirty: true };
    const tagOf = async () => (await build(application(), dirty)).services.web?.tags[0];
    const first = await tagOf();
    expect(first).toMatch(/^sha-0123456789ab-dirty-[0-9a-f]{12}$/);
    await writeFile(join(folder.path, "src/app.txt"), "better");
    expect(await tagOf()).not.toBe(first);
  });
});
