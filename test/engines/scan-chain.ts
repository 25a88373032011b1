import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Annotation, createRunner, Inputs, Redactor, systemClock } from "@belay/core";
import {
  build,
  deploy,
  loadPipelineInputs,
  type PipelineContext,
  push,
  type ScanInputs,
  type Scanned,
  scan,
} from "@belay/pipeline";
import {
  type AttachedEngine,
  BASE_IMAGES,
  createRepository,
  createTestLog,
  ensureTools,
  type ImageFiles,
  makeBaseImages,
  type RegistryRig,
  SCAN_FILES,
  startRegistry,
  type TestLog,
  type ThrowawayRepository,
  temporaryFolder,
  useEngine,
  writeTrivyDatabase,
} from "@belay/testkit";

const PROJECT = `scan${process.pid}`;

/** The stages of a pipeline as use cases, on a real engine, registry, git repository and Trivy. */
export interface ScanChain extends AsyncDisposable {
  readonly registry: RegistryRig;
  readonly repository: ThrowawayRepository;
  readonly engine: AttachedEngine;
  /** Trivy's cache folder. */
  readonly cache: string;
  /** Where the stages share files; a new one per job. */
  job(): Promise<Job>;
  /** Files of the application beside a base that Trivy knows; `undefined` takes one away. */
  commit(title: string, files: Readonly<Record<string, string | undefined>>): Promise<string>;
  /** How often Trivy looked at an image so far, or at Dockerfiles. */
  looks(at?: "image" | "fs"): Promise<number>;
  /** The arguments of every run of Trivy so far, a line each. */
  calls(): Promise<readonly string[]>;
}

/** What one job of a workflow does, one stage after the other. */
export interface Job {
  readonly folder: string;
  readonly log: TestLog;
  /** Errors that were annotated at a place of the repository. */
  readonly annotated: readonly Annotation[];
  build(inputs?: Readonly<Record<string, string>>): ReturnType<typeof build>;
  scan(inputs?: Readonly<Record<string, string>>, more?: Partial<ScanInputs>): Promise<Scanned>;
  push(inputs?: Readonly<Record<string, string>>): ReturnType<typeof push>;
  deploy(): ReturnType<typeof deploy>;
  /** A file of Belay's folder. */
  read(name: string): Promise<string>;
  /** All that it says: its log, its annotations, and every file that it left, but for images. */
  texts(): Promise<readonly string[]>;
}

export const LODASH_FILES = withPrefix(SCAN_FILES.oldLodash);
export const MINIMIST_FILES = withPrefix(SCAN_FILES.oldMinimist);

/** As they lie in the build context. */
function withPrefix(files: ImageFiles): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`app/files/${path}`, String(text)]));
}

export async function openScanChain(openEngine: () => Promise<AttachedEngine> = useEngine): Promise<ScanChain> {
  await using undo = new AsyncDisposableStack();
  const { trivy } = await ensureTools(["trivy", "boltWriter"]);
  const engine = undo.use(await openEngine());
  await makeBaseImages(engine);
  const registry = undo.use(await startRegistry());
  const place = undo.adopt(await temporaryFolder("belay-scan-chain"), (one) => one.remove());
  const cache = join(place.path, "cache");
  await writeTrivyDatabase(join(cache, "db"));
  const from = await writeApplication(join(place.path, "application"), registry.address);
  const repository = undo.adopt(await createRepository({ slug: "acme/shop", from }), (one) => one.remove());
  const calls = join(place.path, "calls");
  const programs = await countingTrivy(join(place.path, "bin"), trivy, calls);
  const before = { ...process.env };
  undo.defer(() => {
    process.env = before;
  });
  Object.assign(process.env, engine.env, { PATH: `${programs}:${process.env.PATH}`, TRIVY_CACHE_DIR: cache });
  undo.defer(async () => {
    const files = ["-f", join(repository.folder, "compose.yaml")];
    await engine.docker(["compose", "-p", PROJECT, ...files, "down", "--timeout", "0"]);
  });
  let jobs = 0;
  const owned = undo.move();
  return {
    registry,
    repository,
    engine,
    cache,
    job: async () => {
      const folder = join(place.path, `job-${++jobs}`);
      await mkdir(folder);
      return openJob(repository.folder, folder, cache);
    },
    commit: async (title, files) => {
      for (const [path, text] of Object.entries(files)) {
        if (text === undefined) await repository.git("rm", "-q", "-r", path);
      }
      const kept = Object.entries(files).filter((one): one is [string, string] => one[1] !== undefined);
      return repository.commit(title, { ...Object.fromEntries(kept), "app/files/title": title });
    },
    looks: async (at = "image") =>
      (await linesOf(calls)).filter((line) => line.startsWith(`${at} --format=json`)).length,
    calls: () => linesOf(calls),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function linesOf(file: string): Promise<readonly string[]> {
  return (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
}

/** Trivy itself, which leaves a line of its arguments. */
async function countingTrivy(folder: string, trivy: string, calls: string): Promise<string> {
  await mkdir(folder);
  await writeFile(calls, "");
  const path = join(folder, "trivy");
  await writeFile(path, `#!/bin/sh\necho "$*" >> '${calls}'\nexec '${trivy}' "$@"\n`);
  await chmod(path, 0o755);
  return folder;
}

async function writeApplication(folder: string, registry: string): Promise<string> {
  const files: Readonly<Record<string, string>> = {
    "app/Dockerfile": `FROM ${BASE_IMAGES.busybox}\nCOPY files/ /\nCMD ["sleep", "3600"]\n`,
    "compose.yaml": "services: { web: { image: unused, stop_grace_period: 1s } }\n",
    "belay.yaml": [
      "version: 1",
      "application: shop",
      `services: { web: { image: "${registry}/acme/web", build: { context: app } } }`,
      "environments:",
      "  staging:",
      `    target: { kind: compose, project: ${PROJECT}, files: [compose.yaml] }`,
      "    rollout: { stable: 0, drain: 0 }",
      "",
    ].join("\n"),
    "app/files/title": "nothing\n",
  };
  await mkdir(join(folder, "app/files"), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  return folder;
}

function openJob(workingDirectory: string, folder: string, cache: string): Job {
  const redactor = new Redactor();
  const log = createTestLog(redactor);
  const annotated: Annotation[] = [];
  const error: TestLog["error"] = (message, at) => {
    if (at !== undefined) annotated.push(at);
    log.error(message, at);
  };
  const context: PipelineContext = {
    workingDirectory,
    env: { ...process.env, GITHUB_ACTIONS: undefined, RUNNER_TEMP: folder, TRIVY_CACHE_DIR: cache },
    log: { ...log, error },
    redactor,
    runner: createRunner(redactor),
    clock: systemClock,
    runName: `scan.${folder}`,
    signal: new AbortController().signal,
  };
  const inputs = (more: Readonly<Record<string, string>> = {}) =>
    loadPipelineInputs(new Inputs((name) => ({ environment: "staging", ...more })[name]));
  return {
    folder,
    log,
    annotated,
    build: (more) => build(context, inputs(more)),
    scan: (given, more) => scan(context, { ...inputs(given), ...more }, { annotate: true }),
    push: (more) => push(context, inputs(more)),
    deploy: () => deploy(context, inputs()),
    read: (name) => readFile(join(folder, "belay", name), "utf8"),
    texts: async () => {
      const all = await readdir(join(folder, "belay"), { recursive: true, withFileTypes: true });
      const left = all.filter((one) => one.isFile() && !one.parentPath.includes("/images"));
      const texts = await Promise.all(left.map((one) => readFile(join(one.parentPath, one.name), "utf8")));
      return [log.text(), JSON.stringify(annotated), ...texts];
    },
  };
}
