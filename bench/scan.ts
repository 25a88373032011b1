import { mkdir, rm, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  createRelease,
  createRunner,
  type Digest,
  mapBounded,
  Redactor,
  type Release,
  writeRelease,
} from "@belay/core";
import {
  BASE_IMAGES,
  type EngineRig,
  ensureTools,
  makeBaseImages,
  startEngine,
  temporaryFolder,
  writeTrivyDatabase,
} from "@belay/testkit";
import { type Figure, median } from "./measure.ts";

const CLI = resolve(import.meta.dirname, "../dist/cli/index.js");
const TIMES = 7;
const run = createRunner(new Redactor());
/** As many as there are processors on GitHub's smallest runners, and as Belay scans by itself. */
const SIDE = 2;

/** What Belay costs over Trivy itself, on images of 120 MB in a Docker engine. */
export async function scan(): Promise<Figure[]> {
  await using engine = await startEngine();
  await makeBaseImages(engine);
  await using place = await temporaryFolder("belay-bench-scan");
  const bench = await Bench.open(engine, place.path);
  return [await bench.overhead(), await bench.four(), ...(await bench.again())];
}

class Bench {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #trivy: string;
  readonly #ids: readonly Digest[];

  private constructor(folder: string, env: Readonly<Record<string, string>>, trivy: string, ids: readonly Digest[]) {
    this.#folder = folder;
    this.#env = env;
    this.#trivy = trivy;
    this.#ids = ids;
  }

  static async open(engine: EngineRig, folder: string): Promise<Bench> {
    const { trivy } = await ensureTools(["trivy", "boltWriter"]);
    const bin = join(folder, "bin");
    await mkdir(bin);
    await symlink(trivy, join(bin, "trivy"));
    const env = { ...engine.env, PATH: `${bin}:${process.env.PATH}`, TRIVY_CACHE_DIR: join(folder, "cache") };
    await writeTrivyDatabase(join(env.TRIVY_CACHE_DIR, "db"));
    const ids: Digest[] = [];
    for (const name of ["a", "b", "c", "d"]) ids.push(await makeImage(engine, name));
    return new Bench(folder, env, trivy, ids);
  }

  /** The first scan of one image, beside `trivy image` with the same arguments. */
  async overhead(): Promise<Figure> {
    const [id] = this.#ids as [Digest];
    const { ours, theirs } = await this.#compare([id]);
    const what = "belay scan over trivy image: one image";
    return { what, value: ours - theirs, unit: "ms", limit: 150, today: { tool: "trivy image", value: theirs } };
  }

  async four(): Promise<Figure> {
    const { ours, theirs } = await this.#compare(this.#ids);
    const what = `four images, over trivy on ${SIDE} at a time`;
    return { what, value: ours / theirs, unit: "×", limit: 1.3, today: { tool: "trivy, ms", value: theirs } };
  }

  /** With the same database an image is not looked at again. */
  async again(): Promise<Figure[]> {
    await this.#forget();
    const first = await this.#belay(this.#ids);
    const again = await this.#belay(this.#ids);
    return [
      { what: "four images, first", value: first, unit: "ms" },
      { what: "four images, unchanged: not scanned again", value: again, unit: "ms", limit: 1_000 },
    ];
  }

  /** By turns, so that whatever else the machine does hits both. */
  async #compare(ids: readonly Digest[]): Promise<{ ours: number; theirs: number }> {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let count = 0; count <= TIMES; count++) {
      await this.#forget();
      const [a, b] = [await this.#belay(ids), await this.#alone(ids)];
      // The first warms the file system's cache.
      if (count > 0) ours.push(a);
      if (count > 0) theirs.push(b);
    }
    return { ours: median(ours), theirs: median(theirs) };
  }

  /** What was found before. */
  async #forget(): Promise<void> {
    await rm(join(this.#folder, "cache/belay/reports"), { recursive: true, force: true });
  }

  async #belay(ids: readonly Digest[]): Promise<number> {
    const path = join(this.#folder, "release.json");
    await writeRelease(path, releaseOf(ids));
    const args = [CLI, "scan", "--release", path, "--working-directory", this.#folder];
    return timed(() => run(process.execPath, args, { env: { ...this.#env, RUNNER_TEMP: this.#folder } }));
  }

  async #alone(ids: readonly Digest[]): Promise<number> {
    const options = ["--format=json", "--list-all-pkgs", "--no-progress", "--scanners=vuln,secret", "--offline-scan"];
    const cache = [`--cache-dir=${this.#env.TRIVY_CACHE_DIR}`, "--cache-backend=memory", "--skip-db-update"];
    const quiet = { TRIVY_SKIP_VERSION_CHECK: "true", TRIVY_DISABLE_TELEMETRY: "true" };
    return timed(() =>
      mapBounded(ids, SIDE, undefined, async (id) => {
        const output = `--output=${join(this.#folder, `${id.slice(7, 19)}.json`)}`;
        const args = ["image", ...options, ...cache, "--image-src=docker", output, id];
        await run(this.#trivy, args, { env: { ...this.#env, ...quiet } });
      }),
    );
  }
}

async function makeImage(engine: EngineRig, name: string): Promise<Digest> {
  const container = (await engine.docker(["create", BASE_IMAGES.node])).stdout.trim();
  const { stdout } = await engine.docker(["commit", "--change", `ENV NAME=${name}`, container, `belay-bench:${name}`]);
  await engine.docker(["rm", container]);
  return stdout.trim() as Digest;
}

function releaseOf(ids: readonly Digest[]): Release {
  const services = ids.map((config, index) => {
    const image = { repository: `example.org/bench-${index}`, platforms: { "linux/amd64": { config } }, tags: ["1"] };
    return [`service-${index}`, image] as const;
  });
  return createRelease({
    stage: "build",
    application: "bench",
    source: { repository: "https://example.org/bench", revision: "0".repeat(40) },
    services: Object.fromEntries(services),
    evidence: {},
    createdAt: new Date().toISOString(),
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
