/**
 * Belay's side of the measurement, in a process of its own: `look-worker.ts <swarm|kubernetes|compose> <address> <services>`. Looks
 * at a fleet through the real connection and target, and judges. Its parent makes the fleet move on.
 */
import { once } from "node:events";
import { type Clock, type Log, type Observation, Redactor, systemClock, type Target, type Wanted } from "@belay/core";
import { openJudgement, step, takeBaseline } from "@belay/rollout";
import { silentLog } from "../../packages/rollout/src/testing/silent-log.ts";
import type { Traffic } from "../../packages/testkit/src/simulated/simulated-engine.ts";
import { peakMemory } from "../peak-memory.ts";
import type { LookFigures } from "../simulated.ts";
import { Meter } from "./meter.ts";

const [kind = "swarm", address = "", count = "1000"] = process.argv.slice(2);
const LOOKS = Number(process.env.BELAY_BENCH_LOOKS ?? 40);
/** A release takes its next step at each fourth look; at the others a few services are scaled, or nothing happens. */
const COURSE = ["roll", "stand", "breathe", "breathe"] as const;
const QUIET_MS = 400;

export interface Side {
  readonly target: Target;
  readonly wanted: readonly Wanted[];
  close(): Promise<void>;
}

/** What each engine's side is opened with. */
export interface SideOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  /** Measures what it takes to get the engine's answers and to read them; what they are translated to is not in it. */
  readonly answers: Meter;
}

const SIDES = {
  swarm: () => import("./swarm-side.ts"),
  kubernetes: () => import("./kubernetes-side.ts"),
  compose: () => import("./compose-side.ts"),
} as const;

const answers = new Meter();
const options: SideOptions = { clock: systemClock, log: silentLog(), redactor: new Redactor(), answers };
const { openSide } = await SIDES[kind as keyof typeof SIDES]();
const side = await openSide(address, Number(count), options);

let rungAt = performance.now();
const stop = new AbortController();
const following = (async () => {
  for await (const _ of side.target.changes(stop.signal)) rungAt = performance.now();
})();

async function ask(course: (typeof COURSE)[number]): Promise<Traffic> {
  process.send?.(course);
  const [traffic] = await once(process, "message");
  return traffic as Traffic;
}

/** Until what the step changed has come. */
async function settle(): Promise<void> {
  rungAt = performance.now();
  while (performance.now() - rungAt < QUIET_MS) await systemClock.sleep(QUIET_MS / 4);
}

async function main(): Promise<LookFigures> {
  const terms = { policy: { startMs: 60_000, stableMs: 60_000, crashes: 2 }, expect: "alone", stable: true } as const;
  await settle();
  const first = await side.target.observe(side.wanted, stop.signal);
  let judgement = openJudgement(takeBaseline(first));
  const figures: LookFigures["looks"][number][] = [];
  let before = await ask("stand");
  for (let look = 0; look < LOOKS; look++) {
    const course = COURSE[look % COURSE.length] ?? "stand";
    const whole = new Meter();
    answers.reset();
    whole.start();
    await ask(course);
    await settle();
    const engineMs = kind === "kubernetes" ? whole.lap() : 0;
    const observation: Observation = await side.target.observe(side.wanted, stop.signal);
    const observeMs = whole.lap();
    // What translation left behind is not the judge's to clear away.
    global.gc?.({ type: "minor" });
    const tidyMs = whole.lap();
    judgement = step(terms, judgement, observation, look * 1_000);
    const judgeMs = whole.lap();
    const after = await ask("stand");
    const answerMs = engineMs + answers.total;
    const traffic = { requests: after.requests - before.requests, bytes: after.bytes - before.bytes };
    figures.push({ course, ...traffic, answerMs, translateMs: observeMs + tidyMs - answers.total, judgeMs });
    before = after;
  }
  if (judgement.verdict.kind !== "progressing") throw new Error(`the judge said ${JSON.stringify(judgement.verdict)}`);
  return {
    looks: figures,
    residentBytes: peakMemory(),
    waitingFor: judgement.verdict.waitingFor,
  };
}

const figures = await main();
stop.abort();
await following;
await side.close();
process.send?.({ figures });
process.disconnect?.();
