import { expect } from "vitest";
import { POLICY } from "./policy.ts";
import { commit } from "./release-of.ts";
import { Runner } from "./runner.ts";
import type { RunnerJob } from "./runner-process.ts";
import type { Definitions } from "./stand.ts";
import { STOPS } from "./stop-here.ts";
import type { StopPoint } from "./stop-within.ts";
import type { Running, Trial } from "./trial.ts";

const VICTIM = "victim";
/** Long enough for a busy machine to show its beats. */
const LIFE_MS = 4_000;
const TWO: Definitions = { api: { replicas: 1 }, web: { replicas: 1 } };
const THREE: Definitions = { ...TWO, worker: { replicas: 1 } };
const OLD: Running = { api: ["unchecked1", 1], web: ["unchecked1", 1] };
const NEXT: Running = { api: ["unchecked3", 1], web: ["unchecked3", 1] };

/** Two services that change in one act; on the way back, `web` is a release that crashes. A `worker` comes or goes. */
async function victimOf(trial: Trial, stop: StopPoint): Promise<Runner> {
  await prepare(trial, stop.way);
  const web = stop.way === "back" ? "crash" : "unchecked2";
  const added = stop.way === "add" ? ({ worker: "unchecked2" } as const) : {};
  const release = await trial.app.release({ api: "unchecked2", web, ...added }, commit(0xa0));
  const { module, settings } = trial.app.opener();
  const opener = { module, settings: { ...(settings as object), stop } };
  const policy = { ...POLICY, stableMs: 5_000 };
  return new Runner({ opener, run: VICTIM, release, policy, lifeMs: LIFE_MS } satisfies RunnerJob);
}

async function prepare(trial: Trial, way: StopPoint["way"]): Promise<void> {
  await trial.app.define(way === "prune" ? THREE : TWO);
  if (way === "prune") {
    // What Belay did not bring, it would not remove.
    const first = await trial.deploy({ api: "unchecked1", web: "unchecked1", worker: "unchecked1" });
    expect(first, trial.log.text()).toMatchObject({ outcome: "succeeded" });
    await trial.app.define(TWO);
  } else await trial.app.hand.up({ api: "unchecked1", web: "unchecked1" });
  if (way === "add") await trial.app.define(THREE);
}

/** Killed amid an act: whoever comes next puts the old release back as a whole. */
export async function killedWithin(trial: Trial, way: StopPoint["way"]): Promise<void> {
  const victim = await victimOf(trial, { way, signal: "SIGKILL" });
  const end = await victim.ended;
  expect(end, end.log).toMatchObject({ signal: "SIGKILL" });
  const result = await trial.recover({ isOver: async ({ run }) => run === VICTIM });
  expect(result, trial.why(result)).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
  await trial.expectRunning(OLD);
  await expectClosed(trial);
}

/** Stopped amid an act for longer than its life; others go on meanwhile; woken, it would send what it was about to send. */
export async function wokenWithin(trial: Trial, way: "forward" | "back"): Promise<void> {
  await wake(trial, way, async () => {
    const ports = { lifeMs: LIFE_MS };
    const next = await trial.deploy({ api: "unchecked3", web: "unchecked3" }, { ports, revision: commit(0xb0) });
    expect(next, trial.why(next)).toMatchObject({ outcome: "succeeded", recovered: [{ kind: "recovered" }] });
    return NEXT;
  });
}

/** The same before it creates or removes a workload; meanwhile the old release is put back. */
export async function wokenAtWorker(trial: Trial, way: "add" | "prune"): Promise<void> {
  await wake(trial, way, async () => {
    const result = await trial.recover({ lifeMs: LIFE_MS });
    expect(result, trial.log.text()).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    return way === "add" ? OLD : { ...OLD, worker: ["unchecked1", 1] };
  });
}

async function wake(trial: Trial, way: StopPoint["way"], meanwhile: () => Promise<Running>): Promise<void> {
  const victim = await victimOf(trial, { way, signal: "SIGSTOP" });
  await victim.logged(STOPS);
  const before = await trial.expectRunning(await meanwhile());
  victim.signal("SIGCONT");
  const end = await victim.ended;
  expect(await trial.seen(), end.log).toEqual(before);
  expect(end, end.log).toMatchObject({ outcome: "superseded", cause: "fenced" });
  await expectClosed(trial);
}

async function expectClosed(trial: Trial): Promise<void> {
  expect((await trial.ledger()).map(([, outcome]) => outcome)).not.toContain("open");
}
