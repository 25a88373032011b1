/**
 * One measurement of the judge in a process of its own: `judge-worker.ts <shape> <services> <instances each>`. Looks at a
 * release that goes over the fleet instance by instance, then stands; each look is made of new objects.
 */
import type { Observation } from "@belay/core";
import { type Judgement, openJudgement, step, takeBaseline } from "@belay/rollout";
import { type FleetShape, fleetObservation } from "../packages/testkit/src/fleet/index.ts";
import type { JudgeFigures } from "./judge.ts";
import { peakMemory } from "./peak-memory.ts";

const [shape = "compose", services = "1000", each = "10"] = process.argv.slice(2);
const LOOKS = 80;
const WARM_UP = 40;
const LOOKS_PER_STEP = 8;

const fleet = { shape: shape as FleetShape, services: Number(services), instancesPerService: Number(each) };
const policy = { startMs: 60_000, stableMs: 60_000, crashes: 2 };
const terms = { policy, expect: "alone", stable: true } as const;

let judgement: Judgement = openJudgement(takeBaseline(fleetObservation({ ...fleet, renewed: 0 })));
const standing: number[] = [];
const turning: number[] = [];
for (let count = 0; count < LOOKS + WARM_UP; count++) {
  const text = JSON.stringify(
    fleetObservation({
      ...fleet,
      renewed: Math.min(Math.floor(count / LOOKS_PER_STEP), fleet.instancesPerService),
    }),
  );
  // As it comes from an engine: text that was parsed.
  const observation: Observation = JSON.parse(text);
  const begun = process.cpuUsage();
  judgement = step(terms, judgement, observation, count * 100);
  const { user, system } = process.cpuUsage(begun);
  // The fleet's next instances: every service shows something else than at the look before.
  const turns = count % LOOKS_PER_STEP === 0 && count / LOOKS_PER_STEP <= fleet.instancesPerService;
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
