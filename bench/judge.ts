import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type FleetShape, fleetObservation } from "../packages/testkit/src/fleet/index.ts";
import { bundleWorker } from "./bundle-worker.ts";
import { type Figure, median } from "./measure.ts";

const SIZES = [100, 300, 1_000] as const;
const PER_SERVICE = 10;
const LARGEST = SIZES[SIZES.length - 1] ?? 1_000;

/** Of the warm looks: {@link JudgeFigures.standing}. */
const COLLECTED = "garbage of others collected before";

/** What one measurement says of itself: a process of its own, so that its memory is nobody else's. */
export interface JudgeFigures {
  /**
   * Processor time per look, of all threads: a clock on the wall would measure the other programs of the machine as well.
   * Garbage of what this look and those before were read from is collected before; what the judge allocates, and the
   * collections that it causes, count.
   */
  readonly standing: readonly number[];
  /** The same of the looks at which every service had changed since the one before. */
  readonly turning: readonly number[];
  /** The very first look of the process, for which nothing was compiled yet. */
  readonly first: number;
  /** Resident memory at its highest, and what the heap holds once garbage is collected, in bytes. */
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** The judge alone, at 1,000 services with 10,000 instances, as each kind of engine shows them, and how it grows. */
export async function judge(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const worker = await bundleWorker(resolve(import.meta.dirname, "judge-worker.ts"));
  for (const shape of ["swarm", "kubernetes", "compose"] as const) {
    const medians = new Map<number, number>();
    for (const services of SIZES) {
      const seen = await measured(worker, shape, services);
      const value = median(seen.standing);
      medians.set(services, value);
      const what = `judge, ${shape}, ${services} services, ${services * PER_SERVICE} instances (${COLLECTED})`;
      figures.push({ what, value, unit: "ms", ...(services === LARGEST ? { limit: 5 } : {}) });
      if (services !== LARGEST) continue;
      const turned = `the same when every service has changed since the look before (${shape}; ${COLLECTED})`;
      figures.push({ what: turned, value: median(seen.turning), unit: "ms", limit: 5 });
      figures.push({ what: `the first look of a process (${shape})`, value: seen.first, unit: "ms" });
      const memory = `memory of the process (${shape})`;
      figures.push({ what: memory, value: seen.residentBytes / 1e6, unit: "MB", limit: 250 });
    }
    const growth = (medians.get(1_000) ?? Number.NaN) / (medians.get(100) ?? Number.NaN) / 10;
    // A little more than 1 for caches that a larger fleet no longer fits in.
    figures.push({
      what: `time per instance at 1,000 services against 100 (${shape}; ${COLLECTED})`,
      value: growth,
      unit: "×",
      limit: 2,
    });
  }
  return figures;
}

/** What the judge is shown is made here, as it comes from an engine: text, in a file for each step of the release. */
async function measured(worker: string, shape: FleetShape, services: number): Promise<JudgeFigures> {
  const folder = await mkdtemp(join(tmpdir(), "belay-bench-"));
  try {
    for (let renewed = 0; renewed <= PER_SERVICE; renewed++) {
      const seen = fleetObservation({ shape, services, instancesPerService: PER_SERVICE, renewed });
      await writeFile(join(folder, `${renewed}.json`), JSON.stringify(seen));
    }
    const child = fork(worker, [folder, `${PER_SERVICE}`], { execArgv: ["--expose-gc"] });
    const [figures] = await once(child, "message");
    return figures as JudgeFigures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
