import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createRelease, type Digest, type ImageIdentity, sha256, writeRelease } from "@belay/core";
import {
  type AttachedEngine,
  ensureTools,
  makeBaseImages,
  makeImageLayout,
  type RegistryRig,
  startRegistry,
  temporaryFolder,
  useEngine,
} from "@belay/testkit";
import { type Figure, median } from "./measure.ts";

const CLI = resolve(import.meta.dirname, "../dist/cli/index.js");
/** Of the layer that is new in each image. */
const LAYER_BYTES = 16 * 1024 * 1024;

interface PushBench {
  readonly engine: AttachedEngine;
  readonly registry: RegistryRig;
  readonly folder: string;
  readonly base: string;
}

/**
 * What a push of an image with a new layer of 16 MiB takes, from the start of the program to its end: `docker push`, and
 * `belay push` by way of the engine and from disk, each of them with the scan's result held against the image, the identity read
 * back and the release attached. No bills of materials are put beside it: by default nobody asks the scan for any.
 */
export async function push(times: number): Promise<Figure[]> {
  await using engine = await useEngine();
  await using registry = await startRegistry();
  await using temporary = await temporaryFolder("belay-bench-push");
  const { busybox } = await makeBaseImages(engine);
  const services = `services: { web: { image: "${registry.address}/web", build: { context: . } } }`;
  await writeFile(join(temporary.path, "belay.yaml"), `version: 1\napplication: bench\n${services}\n`);
  const bench: PushBench = { engine, registry, folder: temporary.path, base: busybox };
  const took = { docker: [] as number[], engine: [] as number[], disk: [] as number[], again: [] as number[] };
  // In turns, so that what the machine does besides hits all of them; the first turn warms caches up.
  for (let turn = 0; turn <= times; turn++) {
    const [docker, ours, disk] = [
      await byDocker(bench, turn),
      await byEngine(bench, turn),
      await fromDisk(bench, turn),
    ];
    if (turn === 0) continue;
    took.docker.push(docker);
    took.engine.push(ours.first);
    took.again.push(ours.again);
    took.disk.push(disk);
  }
  const docker = { tool: "docker push", value: median(took.docker) };
  return [
    { what: "push of a new layer of 16 MiB by the engine", value: median(took.engine), unit: "ms", today: docker },
    {
      what: "of that, over docker push: read back, proven, release attached",
      value: median(took.engine) - docker.value,
      unit: "ms",
      limit: 300,
    },
    { what: "the same from disk, without the engine", value: median(took.disk), unit: "ms", today: docker },
    { what: "of that, over docker push", value: median(took.disk) - docker.value, unit: "ms", limit: 300 },
    { what: "push of what is there already", value: median(took.again), unit: "ms" },
  ];
}

async function byDocker(bench: PushBench, turn: number): Promise<number> {
  const name = `${bench.registry.address}/docker-${turn}:main`;
  await buildImage(bench, `docker-${turn}`, name);
  return timed(bench, "docker", ["push", "--quiet", name]);
}

async function byEngine(bench: PushBench, turn: number): Promise<{ first: number; again: number }> {
  const name = `engine-${turn}`;
  const config = await buildImage(bench, name, `${name}:local`);
  const folder = join(bench.folder, name);
  await release(bench, name, { "linux/amd64": { config } });
  const first = await belay(bench, folder);
  return { first, again: await belay(bench, folder) };
}

async function fromDisk(bench: PushBench, turn: number): Promise<number> {
  const name = `disk-${turn}`;
  const folder = join(bench.folder, name);
  // What the engine's image has under its new layer.
  const base = { "bin/busybox": await readFile((await ensureTools(["busybox"])).busybox) };
  const files = { "linux/amd64": [base, { "app/large": randomBytes(LAYER_BYTES) }] };
  const { platforms } = await makeImageLayout(join(folder, "images", "web"), files);
  await release(bench, name, platforms as ImageIdentity["platforms"]);
  return belay(bench, folder);
}

/** The id of an image with a new layer. */
async function buildImage({ engine, folder, base }: PushBench, name: string, tag: string): Promise<Digest> {
  const context = join(folder, name);
  await mkdir(context);
  await writeFile(join(context, "Dockerfile"), `FROM ${base}\nCOPY large /large\n`);
  await writeFile(join(context, "large"), randomBytes(LAYER_BYTES));
  const env = { DOCKER_BUILDKIT: "0" };
  await engine.docker(["build", "--quiet", "--tag", tag, context], { env });
  const { stdout } = await engine.docker(["image", "inspect", "--format={{.Id}}", tag]);
  return stdout.trim() as Digest;
}

/** As the scan leaves it, when the image passed. */
async function release({ registry, folder }: PushBench, name: string, platforms: ImageIdentity["platforms"]) {
  const report = sha256(name);
  const seen = Object.entries(platforms).map(([platform, identity]) => [platform, { ...identity, report }] as const);
  const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };
  const scanned = { result: "passed", counts, platforms: Object.fromEntries(seen), policy: report } as const;
  const image = { repository: `${registry.address}/${name}`, platforms, tags: ["sha-0123456789ab", "main"] };
  const draft = {
    stage: "scan",
    application: "bench",
    source: { repository: "", revision: "0123456789ab".padEnd(40, "0") },
    services: { web: image },
    evidence: { scan: { result: "passed", scannedAt: "2026-01-01T00:00:00Z", services: { web: scanned } } },
    createdAt: "2026-01-01T00:00:00Z",
  } as const;
  await writeRelease(join(folder, name, "release.json"), createRelease(draft));
}

function belay(bench: PushBench, folder: string): Promise<number> {
  return timed(bench, process.execPath, [CLI, "push", "--release", join(folder, "release.json")]);
}

/** Milliseconds from the start of a program to its end, which must be a good one. */
function timed({ engine, folder }: PushBench, command: string, args: readonly string[]): Promise<number> {
  const begun = performance.now();
  const env = { ...process.env, ...engine.env, RUNNER_TEMP: folder };
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      if (code === 0) done(performance.now() - begun);
      else fail(new Error(`${command} ${args.join(" ")} ended with exit code ${code}: ${said}`));
    });
  });
}
