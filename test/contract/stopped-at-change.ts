import { expect } from "vitest";
import type { ChangeGate } from "./change-gate.ts";
import { POLICY } from "./policy.ts";
import { commit } from "./release-of.ts";
import { Runner } from "./runner.ts";
import type { Definitions } from "./stand.ts";
import { throughGate } from "./through-gate.ts";
import type { Running, Trial } from "./trial.ts";

const VICTIM = "victim";
/** Long enough for a busy machine to show its beats. */
const LIFE_MS = 8_000;
const TWO: Definitions = { api: { replicas: 1 }, web: { replicas: 1 } };
const OLD: Running = { api: ["unchecked1", 1], web: ["unchecked1", 1] };
const NEXT: Running = { api: ["unchecked3", 1], web: ["unchecked3", 1] };

/**
 * What is under way: an update of two services, the same on its way back (`web` crashes), the first deployment ever, or the
 * removal of `worker`, which the release no longer has.
 */
export type Way = "forward" | "back" | "first" | "prune";

/** Where a run is stopped: at its `nth` change of the engine on this way, before it gets there, or before its answer is back. */
export interface ChangePoint {
  readonly way: Way;
  readonly nth: number;
  readonly where: "before" | "after";
}

interface Victim extends AsyncDisposable {
  readonly runner: Runner;
  readonly gate: ChangeGate;
}

/** A run that is just about to act, and has come to that point when this resolves. */
async function runTo(trial: Trial, { way, nth, where }: ChangePoint): Promise<Victim> {
  await using undo = new AsyncDisposableStack();
  await prepare(trial, way);
  const release = await trial.app.release(
    { api: "unchecked2", web: way === "back" ? "crash" : "unchecked2" },
    commit(0xa0),
  );
  const { gate, opener } = undo.use(await throughGate(trial.app.opener()));
  // The bad release lives shorter than it would have to hold.
  const policy = { ...POLICY, stableMs: way === "back" ? 5_000 : 500 };
  const holdAt = { step: way === "back" ? "restore act" : "act", nth: way === "prune" ? 2 : 1 };
  const runner = new Runner({ opener, run: VICTIM, release, policy, lifeMs: LIFE_MS, holdAt });
  undo.defer(async () => {
    runner.signal("SIGKILL");
    await runner.ended;
  });
  await runner.held();
  const stopped = where === "before" ? gate.stopBefore(nth) : gate.stopAfter(nth);
  runner.release();
  await Promise.race([stopped, runner.ended.then((end) => expect.unreachable(`it ended before: ${end.log}`))]);
  const owned = undo.move();
  return { runner, gate, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function prepare(trial: Trial, way: Way): Promise<void> {
  if (way !== "prune") await trial.app.define(TWO);
  if (way === "forward" || way === "back") await trial.app.hand.up({ api: "unchecked1", web: "unchecked1" });
  if (way !== "prune") return;
  await trial.app.define({ ...TWO, worker: { replicas: 1 } });
  // What Belay did not bring, it would not remove.
  const first = await trial.deploy({ api: "unchecked1", web: "unchecked1", worker: "unchecked1" });
  expect(first, trial.why(first)).toMatchObject({ outcome: "succeeded" });
  await trial.app.define(TWO);
}

/** What ran before. */
function oldOf(way: Way): Running {
  if (way === "first") return {};
  return way === "prune" ? { ...OLD, worker: ["unchecked1", 1] } : OLD;
}

/** SIGKILL at a change. Whoever recovers puts back what ran before, as a whole. */
export async function killedAtChange(trial: Trial, point: ChangePoint): Promise<void> {
  await kill(trial, point);
  const result = await trial.recover({ isOver: async ({ run }) => run === VICTIM });
  expect(result, trial.why(result)).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
  await trial.expectRunning(oldOf(point.way));
  await expectClosed(trial);
}

/** The same, and the next release comes without anybody's help. */
export async function killedAtChangeThenNext(trial: Trial, point: ChangePoint): Promise<void> {
  await kill(trial, point);
  await deployNext(trial, { isOver: async ({ run }) => run === VICTIM });
  await expectClosed(trial);
}

async function kill(trial: Trial, point: ChangePoint): Promise<void> {
  await using victim = await runTo(trial, point);
  victim.runner.signal("SIGKILL");
  // What it had sent arrives all the same.
  await victim.gate.open();
  expect(await victim.runner.ended).toMatchObject({ signal: "SIGKILL" });
}

/** SIGSTOP at a change, for longer than its life; the old release is put back, or the next one comes; SIGCONT. */
export async function wokenAtChange(trial: Trial, point: ChangePoint, meanwhile: "recover" | "deploy"): Promise<void> {
  await using victim = await runTo(trial, point);
  victim.runner.signal("SIGSTOP");
  if (meanwhile === "deploy") await deployNext(trial, { lifeMs: LIFE_MS });
  else {
    const result = await trial.recover({ lifeMs: LIFE_MS });
    expect(result, trial.why(result)).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
  }
  const before = await trial.expectRunning(meanwhile === "deploy" ? NEXT : oldOf(point.way));
  // What was on its way reaches the engine now, and then the runner goes on.
  await victim.gate.open();
  victim.runner.signal("SIGCONT");
  const end = await victim.runner.ended;
  expect(end, end.log).toMatchObject({ outcome: "superseded", cause: "fenced" });
  expect(await trial.seen()).toEqual(before);
  await expectClosed(trial);
}

async function deployNext(trial: Trial, ports: NonNullable<Parameters<Trial["deploy"]>[1]>["ports"]): Promise<void> {
  const variants = { api: "unchecked3", web: "unchecked3" } as const;
  const next = await trial.deploy(variants, { ports: { ...ports }, revision: commit(0xb0) });
  expect(next, trial.why(next)).toMatchObject({ outcome: "succeeded", recovered: [{ kind: "recovered" }] });
  await trial.expectRunning(NEXT);
}

async function expectClosed(trial: Trial): Promise<void> {
  expect((await trial.ledger()).map(([, outcome]) => outcome)).not.toContain("open");
}
