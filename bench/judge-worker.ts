/**
 * One measurement of the judge in a process of its own: `judge-worker.ts <folder> <instances of each service>`. Looks at a
 * release that goes over the fleet instance by instance, then stands; each look is made of new objects, parsed from the
 * folder's `0.json`, `1.json`, … by how many instances of each service are new.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Observation } from "@belay/core";
import { type Judgement, openJudgement, step, takeBaseline } from "@belay/rollout";
import type { JudgeFigures } from "./judge.ts";
import { peakMemory } from "./peak-memory.ts";

const [folder = "", each = "10"] = process.argv.slice(2);
const LOOKS = 80;
const WARM_UP = 40;
const LOOKS_PER_STEP = 8;

const look = (renewed: number): Observation => JSON.parse(readFileSync(join(folder, `${renewed}.json`), "utf8"));
const policy = { startMs: 60_000, stableMs: 60_000, crashes: 2 };
const terms = { policy, expect: "alone", stable: true } as const;

let judgement: Judgement = openJudgement(takeBaseline(look(0)));
const standing: number[] = [];
const turning: number[] = [];
for (let count = 0; count < LOOKS + WARM_UP; count++) {
  const observation = look(Math.min(Math.floor(count / LOOKS_PER_STEP), Number(each)));
  const begun = process.cpuUsage();
  judgement = step(terms, judgement, observation, count * 100);
  const { user, system } = process.cpuUsage(begun);
  // The fleet's next instances: every service shows something else than at the look before.
  const turns = count % LOOKS_PER_STEP === 0 && count / LOOKS_PER_STEP <= Number(each);
  if (turns && count > 0) turning.push((user + system) / 1_000);
  else if (count >= WARM_UP) standing.push((user + system) / 1_000);
}
if (judgement.verdict.kind !== "progressing") throw new Error(`the judge said ${judgement.verdict.kind}`);
global.gc?.();
const figures: JudgeFigures = {
  standing,
  turning,
  residentBytes: peakMemory(),
  heapBytes: process.memoryUsage().heapUsed,
};
process.send?.(figures);
