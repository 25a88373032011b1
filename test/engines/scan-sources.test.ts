/** Images from wherever they are, through the gate to the registry: saved ones, and those of a containerd store; and what holds a scan up. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { readLayout } from "@belay/core/oci-layout";
import { PINNED_TRIVY } from "@belay/scan";
import { BASE_IMAGES, SCAN_FILES, startEngine, temporaryFolder } from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { servedDigest } from "./push-stand.ts";
import { LODASH_FILES, openScanChain, type ScanChain } from "./scan-chain.ts";
import { LODASH, STAND_MS } from "./scan-stand.ts";
import { serveTrivyRelease } from "./trivy-release.ts";

let chain: ScanChain;
/** For everything that a test writes. */
let folder: string;
const owned = new AsyncDisposableStack();

beforeAll(async () => {
  chain = owned.use(await openScanChain(() => startEngine({ edition: "current", buildx: true })));
  folder = owned.adopt(await temporaryFolder("belay-sources"), (one) => one.remove()).path;
}, STAND_MS);
afterAll(() => owned.disposeAsync());
afterEach(() => {
  vi.unstubAllEnvs();
});

const run = promisify(execFile);
const labelOf = (sha: string): string => `--label=org.opencontainers.image.revision=${sha}`;
/** What the registry serves under a tag; `null`: nothing. */
const served = (tag: string): Promise<string | null> =>
  servedDigest(`${chain.registry.url}/v2/acme/web/manifests/${tag}`).catch(() => null);
const tagOf = (sha: string): string => `sha-${sha.slice(0, 12)}`;
const app = (): string => join(chain.repository.folder, "app");

/** A context for two processors in which no step has to run. */
async function twoPlatforms(): Promise<string> {
  const context = join(folder, "two");
  for (const [architecture, files] of Object.entries({ amd64: SCAN_FILES.newLodash, arm64: SCAN_FILES.oldLodash })) {
    for (const [path, text] of Object.entries({ ...SCAN_FILES.debian, ...files })) {
      await mkdir(join(context, architecture, path, ".."), { recursive: true });
      await writeFile(join(context, architecture, path), text);
    }
  }
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH/ /\n");
  return context;
}

describe("an image that was saved", () => {
  it("by buildx is scanned for both platforms, and what passes is pushed with the digest that it had", async () => {
    const sha = await chain.commit("Hand an image on", {});
    const archive = join(folder, "two, of a $(commit).tar");
    const metadata = join(folder, "metadata.json");
    const words = ["--platform=linux/amd64,linux/arm64", "--provenance=false", `--metadata-file=${metadata}`];
    const output = `type=oci,"dest=${archive}"`;
    await chain.engine.docker(["buildx", "build", ...words, labelOf(sha), `--output=${output}`, await twoPlatforms()]);
    const made = JSON.parse(await readFile(metadata, "utf8"))["containerimage.digest"];

    const job = await chain.job();
    const { release } = await job.build({ "from-archive": archive });
    expect(release.services.web).toMatchObject({ index: made, tags: [tagOf(sha), "main"] });
    // What becomes of the file is of no interest from here on.
    await rm(archive);
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
    await expect(job.scan()).rejects.toMatchObject({
      code: "VULNERABLE",
      exitCode: 10,
      message: expect.stringContaining(LODASH[0]),
    });
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
    expect(await served(tagOf(sha))).toBeNull();
    const { evidence } = await job.scan({ "scan-fail-on": "none" });
    expect(Object.keys(evidence.services.web?.platforms ?? {})).toEqual(["linux/amd64", "linux/arm64"]);
    const { release: pushed } = await job.push();
    expect(pushed.services.web).toMatchObject({ digest: made, platforms: release.services.web?.platforms });
    expect(await served(tagOf(sha))).toBe(made);
  });

  it("by docker is what runs in the end; a layer that was changed on the way is not pushed", async () => {
    const sha = await chain.commit("Save an image", {});
    const archive = join(folder, "saved.tar");
    const build = ["buildx", "build", "--load", "--provenance=false", "--tag=belay-test.invalid/saved:1", labelOf(sha)];
    await chain.engine.docker([...build, app()]);
    await chain.engine.docker(["save", `--output=${archive}`, "belay-test.invalid/saved:1"]);
    await writeFile(join(chain.repository.folder, "belay.yaml"), await settingsWith(`archive: ${archive}`));
    const job = await chain.job();
    const { release } = await job.build();
    await job.scan();
    const layout = join(job.folder, "belay/images/web");
    const { entries } = await readLayout(layout);
    const manifest = JSON.parse(await readFile(pathOf(layout, entries[0]?.manifest), "utf8"));
    const layer = pathOf(layout, manifest.layers[1].digest);
    const bytes = await readFile(layer);
    await writeFile(layer, Buffer.from(bytes).fill(0, 0, 1));
    await expect(job.push()).rejects.toMatchObject({ code: "RELEASE_INVALID" });
    expect(await served(tagOf(sha))).toBeNull();
    await writeFile(layer, bytes);
    await job.push();
    const { report } = await job.deploy();
    expect(report.outcome).toBe("succeeded");
    expect(await served(tagOf(sha))).toBe(release.services.web?.platforms["linux/amd64"]?.manifest);
    await chain.repository.git("checkout", "belay.yaml");
  });

  it("of another commit, for another platform, or not there is refused before anything else", async () => {
    await chain.commit("Go on", {});
    const job = await chain.job();
    const wrong = async (inputs: Readonly<Record<string, string>>, got: string) =>
      expect(job.build(inputs)).rejects.toMatchObject({
        code: "INVALID_INPUT",
        exitCode: 2,
        got: expect.stringContaining(got),
      });
    const archive = join(folder, "saved.tar");
    await wrong({ "from-archive": archive }, "was built from");
    await wrong({ "from-archive": archive, platforms: "linux/arm64" }, "it is for linux/amd64, and linux/arm64");
    await wrong({ "from-archive": "none.tar" }, "there is no such file");
    expect(JSON.parse(await job.read("report.json"))).toMatchObject({ reason: "invalid_input" });
  });
});

async function settingsWith(build: string): Promise<string> {
  const text = await readFile(join(chain.repository.folder, "belay.yaml"), "utf8");
  return text.replace("context: app", build);
}

function pathOf(layout: string, digest: string | undefined): string {
  return join(layout, "blobs", ...String(digest).split(":"));
}

describe("an image that BuildKit made", () => {
  it("fails for what its Dockerfile does wrong, and for a secret in its environment, which Belay tells nobody", async () => {
    const [[, line]] = Object.entries(SCAN_FILES.secret) as [[string, string]];
    const token = line.split("=")[1]?.trim() ?? "";
    const path = join(app(), "Dockerfile");
    const before = await readFile(path, "utf8");
    onTestFinished(async () => void (await chain.commit("As before", { "app/Dockerfile": before })));
    const bad = before.replace("COPY", () => `ENV GITHUB_TOKEN=${token}\nCOPY`);
    await chain.commit("Trust everybody", { "app/Dockerfile": bad });
    const job = await chain.job();
    const { release } = await job.build();
    expect(release.services.web?.platforms["linux/amd64"]).toHaveProperty("manifest");
    const failing = job.scan({ "scan-scanners": "vuln,secret,misconfig", "scan-formats": "sarif,cyclonedx" });
    const thrown: unknown = await failing.catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "VULNERABLE", exitCode: 10 });
    const { services } = JSON.parse(await job.read("scan.json"));
    const rows: { id: string; effect: string }[] = services[0].rows;
    const fails = rows.filter(({ effect }) => effect === "fails").map(({ id }) => id);
    // Trust in root, a secret that a Dockerfile sets, and the secret itself.
    expect(fails).toEqual(expect.arrayContaining(["DS-0002", "DS-0031", "github-pat"]));
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });

    // The image has it. Nothing that Belay makes of it has, nor what it keeps of Trivy's report.
    const folder = join(job.folder, "belay");
    const left = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    const written = left.map((one) => join(one.parentPath, one.name)).filter((one) => !one.includes("/images/"));
    const texts = await Promise.all(written.map((one) => readFile(one, "utf8")));
    expect(texts.filter((text) => text.includes("DS-0031")).length).toBeGreaterThan(1);
    const said = [job.log.text(), JSON.stringify(thrown), String(thrown), JSON.stringify(job.annotated)];
    for (const text of [...said, ...texts]) expect(text).not.toContain(token);

    await chain.commit("Trust nobody", { "app/Dockerfile": before.replace("COPY", "USER 1000\nCOPY") });
    const better = await chain.job();
    await better.build();
    const { evidence } = await better.scan({ "scan-scanners": "vuln,secret,misconfig" });
    expect(evidence).toMatchObject({ result: "passed", scanners: expect.arrayContaining(["misconfig", "secret"]) });
  });
});

describe("an image of a containerd store", () => {
  it("of which some layers are compressed and others not is scanned and pushed as it is", async () => {
    const sha = await chain.commit("Mix layers", LODASH_FILES);
    const name = "belay-test.invalid/mixed:1";
    // The base was loaded, and so is not compressed; the layer on it is.
    const build = ["buildx", "build", "--load", `--tag=${name}`, labelOf(sha), app()];
    await chain.engine.docker(build);
    const id = (await chain.engine.docker(["image", "inspect", "--format={{.Id}}", name])).stdout.trim();
    const job = await chain.job();
    const more = { "from-image": name, platforms: "linux/amd64\nlinux/arm64" };
    const got = "it is for linux/amd64, and linux/amd64, linux/arm64 is asked for";
    await expect(job.build(more)).rejects.toMatchObject({ code: "INVALID_INPUT", got });
    const { release } = await job.build({ "from-image": name });
    const layout = join(job.folder, "belay/images/web");
    const { roots, entries } = await readLayout(layout);
    const { layers } = JSON.parse(await readFile(pathOf(layout, entries[0]?.manifest), "utf8"));
    const types = layers.map((layer: { mediaType: string }) => /gzip/.test(layer.mediaType));
    expect(new Set(types)).toEqual(new Set([true, false]));
    expect(roots.map(({ digest }) => digest)).toEqual([id]);
    const { manifest, config } = entries[0] ?? {};
    expect(release.services.web).toMatchObject({ index: id, platforms: { "linux/amd64": { manifest, config } } });
    await expect(job.scan()).rejects.toMatchObject({ code: "VULNERABLE" });
    const { evidence } = await job.scan({ "scan-fail-on": "none" });
    expect(evidence.services.web?.platforms["linux/amd64"]).toMatchObject({ config, manifest });
    const pushed = await job.push();
    expect(pushed.release.services.web?.digest).toBe(id);
    expect(await served(tagOf(sha))).toBe(id);
    const again = await chain.job();
    await again.build({ "from-image": name });
    expect(again.log.text()).not.toContain("warn:");
    await chain.engine.docker(["tag", BASE_IMAGES.busybox, name]);
    await again.build({ "from-image": name });
    expect(again.log.text()).toMatch(/info: web: belay-test\.invalid\/mixed:1 is sha256:\w+ in this engine/);
    expect(again.log.text()).toContain("as it was built and pushed before, from other inputs than now (from):");
    // The engine has it under the release's name, too.
    const tagged = ["image", "inspect", "--format={{.Id}}", `${chain.registry.address}/acme/web:${tagOf(sha)}`];
    expect((await chain.engine.docker(tagged)).stdout.trim()).toBe(id);
  });
});

describe("an image of a containerd store that was built without buildx", () => {
  it("is scanned and pushed as the engine has it", async () => {
    const sha = await chain.commit("Build without buildx", {});
    const plain = join(folder, "plain");
    await mkdir(plain);
    vi.stubEnv("DOCKER_CONFIG", plain);
    const job = await chain.job();
    const { release } = await job.build();
    expect(job.log.text()).toContain("docker buildx is not there");
    const built = release.services.web?.platforms["linux/amd64"];
    expect(built).toEqual({ config: expect.any(String), manifest: expect.any(String) });
    await expect(job.scan()).rejects.toMatchObject({ code: "VULNERABLE" });
    await job.scan({ "scan-fail-on": "none" });
    await job.push();
    expect(await served(tagOf(sha))).toBe(built?.manifest);
    const name = `${chain.registry.address}/acme/web:${tagOf(sha)}`;
    const { stdout } = await chain.engine.docker(["image", "inspect", "--format={{.Id}}", name]);
    expect(stdout.trim()).toBe(built?.manifest);
  });
});

describe("a scanner that is held up", () => {
  it("by another process that holds the database is told by name, and nothing is pushed until it is scanned", async () => {
    const sha = await chain.commit("Wait for the database", {});
    const job = await chain.job();
    await job.build();
    const database = join(chain.cache, "db/trivy.db");
    // As a Trivy does that opens its database for writing (bbolt, `flock`).
    const holder = spawn("flock", ["--exclusive", "--no-fork", database, "sh", "-c", "echo held; exec sleep 600"]);
    await once(holder.stdout, "data");
    const before = await chain.looks();
    try {
      await expect(job.scan({ "scan-timeout": "1s" })).rejects.toMatchObject({
        code: "SCAN_FAILED",
        exitCode: 11,
        message: expect.stringMatching(
          new RegExp(`the process ${holder.pid} has held the lock of .*trivy\\.db for more than .*cache-dir`, "s"),
        ),
      });
    } finally {
      holder.kill();
    }
    expect(await chain.looks()).toBe(before);
    expect(JSON.parse(await job.read("report.json"))).toMatchObject({ reason: "scan_could_not_run" });
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
    expect(await served(tagOf(sha))).toBeNull();
    await job.scan({ "scan-fail-on": "none" });
    await job.push();
    expect(await served(tagOf(sha))).not.toBeNull();
  });

  it("by itself is ended with all that it started, and nothing is pushed", async () => {
    const sha = await chain.commit("Wait for Trivy", {});
    const job = await chain.job();
    await job.build();
    const programs = join(folder, "hanging");
    const seconds = 20_000 + process.pid;
    await mkdir(programs);
    const script = [
      "#!/bin/sh",
      '[ "$1" = --version ] && exec echo "Version: 0.72.0"',
      "trap '' TERM",
      `(trap '' TERM; sleep ${seconds}) &`,
      "wait",
      "",
    ];
    await writeFile(join(programs, "trivy"), script.join("\n"), { mode: 0o755 });
    vi.stubEnv("PATH", `${programs}:${process.env.PATH}`);
    const failing = job.scan({ "scan-timeout": "1s" });
    await expect(failing).rejects.toMatchObject({
      code: "SCAN_FAILED",
      exitCode: 11,
      message: expect.stringMatching(/it was not done after \d+ ms and was ended.*Give it more time with `timeout`/s),
    });
    const left = await run("pgrep", ["-f", `^sleep ${seconds}`]).then(
      ({ stdout }) => stdout,
      () => "",
    );
    expect(left).toBe("");
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
    expect(await served(tagOf(sha))).toBeNull();
  });

  it("because nothing at all is installed is downloaded, verified and used", async () => {
    await chain.commit("Scan on a bare machine", {});
    const job = await chain.job();
    const { release } = await job.build();
    await using server = await serveTrivyRelease(folder);
    const bare = join(folder, "bare");
    await mkdir(bare);
    vi.stubEnv("PATH", bare);
    const { mirror, checksum } = server;
    const wrong = { version: PINNED_TRIVY, mirror, checksum: "0".repeat(64) };
    await expect(job.scan({}, { download: wrong })).rejects.toMatchObject({
      code: "SCAN_FAILED",
      exitCode: 11,
      message: expect.stringContaining("it was thrown away and not executed"),
    });
    const { evidence } = await job.scan({ "scan-fail-on": "none" }, { download: { ...wrong, checksum } });
    const config = release.services.web?.platforms["linux/amd64"]?.config;
    expect(evidence).toMatchObject({
      result: "passed",
      scanner: { name: "trivy", version: PINNED_TRIVY },
      services: { web: { platforms: { "linux/amd64": { config } } } },
    });
    expect(job.log.text()).toContain("There is no Trivy on this machine");
    expect(server.requests).toHaveLength(2);
    // Asked for by its name it is taken although there is another, and is not fetched again.
    vi.unstubAllEnvs();
    await rm(join(chain.cache, "belay/reports"), { recursive: true });
    const looks = await chain.looks();
    const chosen = { scanner: "download", "scan-fail-on": "none" };
    const again = await job.scan(chosen, { download: { ...wrong, checksum } });
    expect(again.evidence).toMatchObject({ result: "passed", scanner: evidence.scanner });
    expect(await chain.looks()).toBe(looks);
    expect(server.requests).toHaveLength(2);
  });
});
