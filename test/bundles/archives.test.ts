/** Images that somebody else saved, from `build` to `push` as a runner and a terminal run them, where there is no engine. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRunner, Redactor, readRelease } from "@belay/core";
import {
  createRepository,
  type ImageFiles,
  makeImageLayout,
  pushTrivyDatabase,
  type RegistryRig,
  SCAN_FILES,
  startRegistry,
  type ThrowawayRepository,
  temporaryFolder,
  trivyAtHand,
  useEngine,
  writeTrivyDatabase,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { servedDigest } from "../engines/push-stand.ts";
import { runBundle } from "./run-bundle.ts";

const REVISION = "org.opencontainers.image.revision";
const CLEAN: ImageFiles = { ...SCAN_FILES.debian, ...SCAN_FILES.newLodash };

let registry: RegistryRig;
let repository: ThrowawayRepository;
let folder: string;
let env: Readonly<Record<string, string>>;
const owned = new AsyncDisposableStack();

beforeAll(async () => {
  folder = owned.adopt(await temporaryFolder("belay-archives"), (one) => one.remove()).path;
  const trivy = await trivyAtHand(folder);
  registry = owned.use(await startRegistry());
  repository = owned.adopt(await createRepository({ slug: "acme/shop" }), (one) => one.remove());
  env = { ...trivy.env, PATH: `${trivy.path}:${process.env.PATH}`, DOCKER_HOST: `unix://${join(folder, "no-engine")}` };
}, 2_400_000);
afterAll(() => owned.disposeAsync());

/** Commits an application whose image is made by this, and gives the commit. Its steps share a folder of the job. */
async function commit(build: string): Promise<string> {
  const web = `{ image: "${registry.address}/acme/web", build: ${build} }`;
  const sha = await repository.commit("Ship", {
    "belay.yaml": `version: 1\napplication: shop\nservices: { web: ${web} }\n`,
    Dockerfile: "FROM scratch\n",
  });
  env = { ...env, RUNNER_TEMP: join(folder, sha.slice(0, 12)) };
  await mkdir(join(folder, sha.slice(0, 12)));
  return sha;
}

const released = () => readRelease(join(env.RUNNER_TEMP ?? "", "belay/release.json"));
const place = (tag: string): string => `${registry.url}/v2/acme/web/manifests/${tag}`;
const tagOf = (sha: string): string => `sha-${sha.slice(0, 12)}`;

const step = (name: string, inputs: Readonly<Record<string, string>> = {}) =>
  runBundle(`${name}/index`, { inputs: { "working-directory": ".", ...inputs }, env, cwd: repository.folder });
const belay = (...args: string[]) => runBundle("cli/index", { args, env, cwd: repository.folder });

/** What `docker save` of the classic store writes, and the image's ID. */
async function saved(sha: string): Promise<{ readonly archive: string; readonly id: string }> {
  const layer = join(folder, "layer");
  for (const [path, text] of Object.entries(CLEAN)) {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await writeFile(join(layer, path), text);
  }
  const [tar, archive] = [join(folder, "layer.tar"), join(folder, "saved.tar")];
  await createRunner(new Redactor())("tar", ["-C", layer, "-cf", tar, "."]);
  await using engine = await useEngine();
  const name = `belay-test.invalid/saved:${process.pid}`;
  await engine.docker(["import", `--change=LABEL ${REVISION}=${sha}`, tar, name]);
  try {
    await engine.docker(["save", `--output=${archive}`, name]);
    const { stdout } = await engine.docker(["image", "inspect", "--format={{.Id}}", name]);
    return { archive, id: stdout.trim() };
  } finally {
    await engine.docker(["image", "rm", name]);
  }
}

it("what `docker save` wrote is built, scanned and pushed by `uses:`, as one image all the way", async () => {
  const sha = await commit("{ context: . }");
  const { archive, id } = await saved(sha);
  const missing = await step("build", { "from-archive": join(folder, "none.tar") });
  expect(missing.outputs).toMatchObject({ outcome: "invalid_input", "exit-code": "2" });
  const built = await step("build", { "from-archive": archive });
  expect(built.exitCode, built.stdout).toBe(0);
  const image = (await released()).services.web?.platforms["linux/amd64"];
  expect(image?.config).toBe(id);
  const early = await step("push");
  expect(early.outputs, early.stdout).toMatchObject({ outcome: "push_failed", "exit-code": "16" });
  expect((await fetch(place(tagOf(sha)))).status).toBe(404);
  const scanned = await step("scan");
  expect(scanned.exitCode, scanned.stdout).toBe(0);
  expect((await released()).evidence.scan).toMatchObject({
    result: "passed",
    services: { web: { platforms: { "linux/amd64": { config: id, manifest: image?.manifest } } } },
  });
  const pushed = await step("push");
  expect(pushed.exitCode, pushed.stdout).toBe(0);
  expect(await servedDigest(place(tagOf(sha)))).toBe(image?.manifest);
  const accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
  const served = await fetch(place(tagOf(sha)), { headers: { accept } });
  expect(await served.json()).toMatchObject({ config: { digest: id } });
});

it("an OCI layout that belay.yaml names is built, scanned and pushed on the command line, digest for digest", async () => {
  const path = join(folder, "image");
  const sha = await commit(`{ archive: ${JSON.stringify(path)} }`);
  const platforms = { "linux/amd64": [CLEAN], "linux/arm64": [SCAN_FILES.debian, SCAN_FILES.oldLodash] };
  const layout = await makeImageLayout(path, platforms, { labels: { [REVISION]: sha } });
  const built = await belay("build");
  expect(built.exitCode, built.stderr).toBe(0);
  expect((await released()).services.web).toMatchObject({ index: layout.digest, platforms: layout.platforms });
  const vulnerable = await belay("scan");
  expect(vulnerable.exitCode, vulnerable.stderr).toBe(10);
  expect((await belay("push")).exitCode).toBe(16);
  expect((await fetch(place(tagOf(sha)))).status).toBe(404);
  const scanned = await belay("scan", "--scan-fail-on", "none");
  expect(scanned.exitCode, scanned.stderr).toBe(0);
  const pushed = await belay("push");
  expect(pushed.exitCode, pushed.stderr).toBe(0);
  expect(await servedDigest(place(tagOf(sha)))).toBe(layout.digest);
});

it("two that are scanned at the same moment, with nothing in the cache that they share, download the database once", async () => {
  await using made = await temporaryFolder("belay-database");
  await writeTrivyDatabase(made.path);
  await pushTrivyDatabase(made.path, { url: registry.url, repository: "own/trivy-db", tag: "2" });
  const path = join(folder, "shared");
  const sha = await commit(`{ archive: ${JSON.stringify(path)} }`);
  await makeImageLayout(
    path,
    { "linux/amd64": [SCAN_FILES.debian, SCAN_FILES.oldLodash] },
    { labels: { [REVISION]: sha } },
  );
  const cache = join(folder, "empty-cache");
  const database = ["--scan-db-repository", `${registry.address}/own/trivy-db:2`, "--scan-cache-dir", cache];
  const jobs = [join(made.path, "first"), join(made.path, "second")];
  const run = async (job: string, ...args: string[]) =>
    runBundle("cli/index", { args, env: { ...env, RUNNER_TEMP: job }, cwd: repository.folder });
  for (const job of jobs) {
    await mkdir(job);
    expect(await run(job, "build")).toMatchObject({ exitCode: 0 });
  }
  const scans = await Promise.all(jobs.map((job) => run(job, "scan", ...database)));
  for (const { exitCode, stderr } of scans) {
    expect(exitCode, stderr).toBe(10);
    expect(stderr).toContain("CVE-2019-10744");
  }
  const asked = (await registry.log()).match(/GET \/v2\/own\/trivy-db\/blobs\/\S+/g) ?? [];
  expect(asked.length).toBeGreaterThan(0);
  expect(asked).toEqual([...new Set(asked)]);
  // One generation, no lock, and nothing half done.
  expect(await readdir(join(cache, "belay/db"))).toEqual([expect.stringMatching(/^\d+$/)]);
});
