import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { attachEngine } from "../packages/testkit/src/rig/index.ts";
import { bundleWorker } from "./bundle-worker.ts";
import { type Figure, median } from "./measure.ts";

const FOLDER = resolve(import.meta.dirname, "simulated");
const SIZES = [250, 500, 1_000] as const;
const LARGEST = SIZES[SIZES.length - 1] ?? 1_000;
const PER_SERVICE = 10;
const JUDGE_MS = 5;
const MEMORY_MB = 250;

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
  for (const kind of ["swarm", "kubernetes", "compose"] as const) {
    const seen = new Map<number, LookFigures>();
    for (const services of SIZES) seen.set(services, await measured(kind, services, worker, ["--expose-gc"]));
    figures.push(...judgeFigures(kind, seen), ...figuresOf(kind, seen.get(LARGEST) as LookFigures));
    figures.push(growth("all that a look takes", seen, totalMs), growth("judge", seen, judgeMs));
  }
  return figures;
}

type Look = LookFigures["looks"][number];
type Measure = "requests" | "bytes" | "answerMs" | "translateMs" | "judgeMs";

/** Whether every service had changed since the look before. */
function hasRolled({ course }: Look): boolean {
  return course === "roll";
}

function medianOf(looks: readonly Look[], what: Measure): number {
  return median(looks.map((look) => look[what]));
}

/** The judge's part by size of the fleet. */
function judgeFigures(kind: string, seen: ReadonlyMap<number, LookFigures>): Figure[] {
  return [...seen].flatMap(([services, { looks }]): Figure[] => {
    const title = `${kind}, ${services} services, ${services * PER_SERVICE} instances`;
    const few = medianOf(
      looks.filter((look) => !hasRolled(look)),
      "judgeMs",
    );
    const every = medianOf(looks.filter(hasRolled), "judgeMs");
    return [
      { what: `${title}: judge, few changed`, value: few, unit: "ms", limit: JUDGE_MS },
      { what: "judge, every service changed", value: every, unit: "ms", limit: JUDGE_MS },
    ];
  });
}

function figuresOf(kind: string, { looks, residentBytes }: LookFigures): Figure[] {
  const [rolled, other] = [looks.filter(hasRolled), looks.filter((look) => !hasRolled(look))];
  const both = (what: string, measure: Measure, unit: Figure["unit"], scale = 1): Figure[] => [
    { what: `${what}, few changed`, value: medianOf(other, measure) / scale, unit },
    { what: `${what}, every service changed`, value: medianOf(rolled, measure) / scale, unit },
  ];
  return [
    ...both(`${kind}, ${LARGEST} services: translation`, "translateMs", "ms"),
    ...both("engine's answers and events", "answerMs", "ms"),
    { what: "requests per look", value: medianOf(looks, "requests"), unit: "requests" },
    ...both("sent by the engine per look", "bytes", "kB", 1_000),
    { what: "memory of the process", value: residentBytes / 1e6, unit: "MB", limit: MEMORY_MB },
  ];
}

function judgeMs({ looks }: LookFigures): number {
  return medianOf(looks.filter(hasRolled), "judgeMs");
}

function totalMs({ looks }: LookFigures): number {
  const rolled = looks.filter(hasRolled);
  return medianOf(rolled, "answerMs") + medianOf(rolled, "translateMs") + medianOf(rolled, "judgeMs");
}

/** How much more an instance costs in the largest fleet than in the smallest: 1 is linear. */
function growth(what: string, seen: ReadonlyMap<number, LookFigures>, of: (one: LookFigures) => number): Figure {
  const [smallest] = SIZES;
  const value = of(seen.get(LARGEST) as LookFigures) / of(seen.get(smallest) as LookFigures) / (LARGEST / smallest);
  // A little more than 1 for caches that a larger fleet no longer fits in.
  return { what: `${what}: time per instance at ${LARGEST} services against ${smallest}`, value, unit: "×", limit: 2 };
}

export async function measured(
  kind: string,
  services: number,
  worker: string,
  execArgv: readonly string[],
): Promise<LookFigures> {
  const folder = await mkdtemp(join(tmpdir(), "belay-bench-"));
  const socket = join(folder, "engine.sock");
  const engine = fork(join(FOLDER, "engine-process.ts"), [kind, `${services}`, `${PER_SERVICE}`, socket]);
  try {
    const { port } = (await message(engine)) as { port: number };
    const address = kind === "kubernetes" ? `http://127.0.0.1:${port}` : `unix://${socket}`;
    // Compose's own command line is asked for its version.
    await using client = kind === "compose" ? await attachEngine(address) : undefined;
    const env = { ...process.env, ...client?.env };
    const belay = fork(worker, [kind, address, `${services}`], { execArgv: [...execArgv], env });
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
