/**
 * One measurement of the judge in a process of its own: `judge-worker.ts <folder> <instances of each service>`. Looks at a
 * release that goes over the fleet instance by instance, then stands, twice: the first one warms up; each look is made of new objects, parsed from the
 * folder's `0.json`, `1.json`, … by how many instances of each service are new.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Observation, spareMemory } from "@belay/core";
import { type Judgement, openJudgement, step, takeBaseline } from "@belay/rollout";
import type { JudgeFigures } from "./judge.ts";
import { peakMemory } from "./peak-memory.ts";

const [folder = "", each = "10"] = process.argv.slice(2);
const LOOKS = 120;
const LOOKS_PER_STEP = 8;
const SWEPT_MS = 20;
const STANDSTILL = new Int32Array(new SharedArrayBuffer(4));

/** As a target does that lists so much. */
spareMemory(10_000);

const look = (renewed: number): Observation => JSON.parse(readFileSync(join(folder, `${renewed}.json`), "utf8"));
const policy = { startMs: 60_000, stableMs: 60_000, crashes: 2 };
const terms = { policy, expect: "alone", stable: true } as const;

interface Timed {
  readonly milliseconds: number;
  /** The fleet's next instances: every service shows something else than at the look before. */
  readonly turns: boolean;
}

/**
 * `collected` before each look: where only the latest objects are, a collection of all that was read before may be under way
 * and go on in the judge's time.
 */
function release(collected: "minor" | "major"): Timed[] {
  let judgement: Judgement = openJudgement(takeBaseline(look(0)));
  const looks: Timed[] = [];
  for (let count = 0; count < LOOKS; count++) {
    const observation = look(Math.min(Math.floor(count / LOOKS_PER_STEP), Number(each)));
    global.gc?.({ type: collected });
    // Other threads still sweep then, and their time would count as well.
    Atomics.wait(STANDSTILL, 0, 0, SWEPT_MS);
    const begun = process.cpuUsage();
    judgement = step(terms, judgement, observation, count * 100);
    const { user, system } = process.cpuUsage(begun);
    const turns = count % LOOKS_PER_STEP === 0 && count > 0 && count / LOOKS_PER_STEP <= Number(each);
    looks.push({ milliseconds: (user + system) / 1_000, turns });
  }
  if (judgement.verdict.kind !== "progressing") throw new Error(`the judge said ${judgement.verdict.kind}`);
  return looks;
}

// The first one as in real life, for the memory that it takes.
const cold = release("minor");
const warm = release("major");
const times = (turns: boolean): number[] => warm.filter((one) => one.turns === turns).map((one) => one.milliseconds);
const residentBytes = peakMemory();
global.gc?.();
const figures: JudgeFigures = {
  standing: times(false),
  turning: times(true),
  first: cold[0]?.milliseconds ?? Number.NaN,
  residentBytes,
  heapBytes: process.memoryUsage().heapUsed,
};
process.send?.(figures);
