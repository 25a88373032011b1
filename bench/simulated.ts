import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundleWorker } from "./bundle-worker.ts";
import { type Figure, median } from "./measure.ts";

const FOLDER = resolve(import.meta.dirname, "simulated");
const SIZES = [250, 500, 1_000] as const;
const LARGEST = SIZES[SIZES.length - 1] ?? 1_000;
const PER_SERVICE = 10;
/** Node takes what the machine has to spare unless it is told; within this it has to do. */
const HEAP = ["--max-old-space-size=160", "--max-semi-space-size=8"];

/** What Belay's process says of its looks. Times are processor time, in milliseconds. */
export interface LookFigures {
  readonly looks: readonly {
    /** What happened on the engine before the look. */
    readonly course: "roll" | "breathe" | "stand";
    readonly requests: number;
    readonly bytes: number;
    /** To get the engine's answers and events, and to read them. */
    readonly answerMs: number;
    readonly translateMs: number;
    readonly judgeMs: number;
  }[];
  /** Resident memory of the process at its highest. */
  readonly residentBytes: number;
  readonly waitingFor: readonly string[];
}

/**
 * Large fleets on engines that are simulated but speak the real protocols: what a look at one costs Belay, from the request
 * to the verdict, and how that grows.
 */
export async function simulated(): Promise<Figure[]> {
  const worker = await bundleWorker(join(FOLDER, "look-worker.ts"));
  const figures: Figure[] = [];
  for (const kind of ["swarm", "kubernetes"] as const) {
    const seen = new Map<number, LookFigures>();
    for (const services of SIZES) seen.set(services, await measured(kind, services, worker));
    figures.push(...figuresOf(kind, seen));
  }
  return figures;
}

function figuresOf(kind: string, seen: ReadonlyMap<number, LookFigures>): Figure[] {
  const largest = seen.get(LARGEST) as LookFigures;
  const title = `${kind}, ${LARGEST} services, ${LARGEST * PER_SERVICE} instances`;
  const rolled = (of: LookFigures) => of.looks.filter(({ course }) => course === "roll");
  const other = (of: LookFigures) => of.looks.filter(({ course }) => course !== "roll");
  const of = (looks: LookFigures["looks"], what: "requests" | "bytes" | "answerMs" | "translateMs" | "judgeMs") =>
    median(looks.map((look) => look[what]));
  const sum = (one: LookFigures): number =>
    of(rolled(one), "translateMs") + of(rolled(one), "judgeMs") + of(rolled(one), "answerMs");
  const growth = sum(largest) / sum(seen.get(SIZES[0]) as LookFigures) / (LARGEST / SIZES[0]);
  return [
    { what: `${title}: judge, few changed`, value: of(other(largest), "judgeMs"), unit: "ms", limit: 5 },
    { what: "judge, every service changed", value: of(rolled(largest), "judgeMs"), unit: "ms", limit: 5 },
    { what: "translation, few changed", value: of(other(largest), "translateMs"), unit: "ms" },
    { what: "translation, every service changed", value: of(rolled(largest), "translateMs"), unit: "ms" },
    { what: "engine's answers and events, few changed", value: of(other(largest), "answerMs"), unit: "ms" },
    { what: "engine's answers and events, every service changed", value: of(rolled(largest), "answerMs"), unit: "ms" },
    { what: "requests per look", value: of(largest.looks, "requests"), unit: "requests" },
    { what: "sent by the engine per look, few changed", value: of(other(largest), "bytes") / 1_000, unit: "kB" },
    {
      what: "sent by the engine per look, every service changed",
      value: of(rolled(largest), "bytes") / 1_000,
      unit: "kB",
    },
    { what: "memory of the process", value: largest.residentBytes / 1e6, unit: "MB", limit: 250 },
    // A little more than 1 for caches that a larger fleet no longer fits in.
    { what: `time per instance at ${LARGEST} services against ${SIZES[0]}`, value: growth, unit: "×", limit: 2 },
  ];
}

export async function measured(kind: string, services: number, worker: string): Promise<LookFigures> {
  const folder = await mkdtemp(join(tmpdir(), "belay-bench-"));
  const socket = join(folder, "engine.sock");
  const engine = fork(join(FOLDER, "engine-process.ts"), [kind, `${services}`, `${PER_SERVICE}`, socket]);
  try {
    const { port } = (await message(engine)) as { port: number };
    const address = kind === "swarm" ? `unix://${socket}` : `http://127.0.0.1:${port}`;
    const belay = fork(worker, [kind, address, `${services}`], { execArgv: HEAP });
    for (;;) {
      const asked = (await message(belay)) as "roll" | { figures: LookFigures };
      if (typeof asked === "object") return asked.figures;
      engine.send(asked);
      belay.send((await message(engine)) as object);
    }
  } finally {
    engine.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function message(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  try {
    const ended = once(child, "exit", { signal: over.signal }).then(([code]) => {
      throw new Error(`a process of the measurement ended with ${code}`);
    });
    ended.catch(() => undefined);
    const [got] = await Promise.race([once(child, "message", { signal: over.signal }), ended]);
    return got;
  } finally {
    over.abort();
  }
}
