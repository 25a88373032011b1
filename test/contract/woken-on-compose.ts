import { readdir, readFile } from "node:fs/promises";
import { waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import type { ChangeGate } from "./change-gate.ts";
import { POLICY } from "./policy.ts";
import { commit } from "./release-of.ts";
import { Runner, type RunnerEnd } from "./runner.ts";
import type { RunnerJob } from "./runner-process.ts";
import { throughGate } from "./through-gate.ts";
import type { Running, Trial } from "./trial.ts";

/** Long enough for a busy machine to show its beats. */
const LIFE_MS = 8_000;
/** Much longer than it takes to show life. */
const DRAIN_MS = 20_000;
/** How much later than the names are given the pause may begin. */
const MARGIN_MS = 2_000;
const OLD: Running = { api: ["unchecked1", 1], web: ["unchecked1", 1] };
const NEXT: Running = { api: ["unchecked3", 1], web: ["unchecked3", 1] };

const STOP = /^POST \S+\/containers\/\w+\/stop/;
const START = /^POST \S+\/containers\/\w+\/start/;
const CREATE = /^POST \S+\/containers\/create/;
const GIVE_NAMES = /^POST \S+\/networks\/\S+\/connect$/;
/** A proof of life is a volume. */
const SHOW_LIFE = /^POST \S+\/volumes\/create$/;
/** The last request of one. */
const CLEAR_OLD_LIFE = /^DELETE \S+\/volumes\/\S+$/;
/** Asked just before compose makes containers, and at no other time. */
const LIST_ALL_VOLUMES = /^GET \/v[\d.]+\/volumes$/;

interface Stage extends AsyncDisposable {
  readonly gate: ChangeGate;
  /** A run whose way to the engine is the gate. */
  run(job: Pick<RunnerJob, "run"> & Partial<RunnerJob>): Runner;
}

/** Two services, old containers of both, and a gate before the engine. */
async function openStage(trial: Trial): Promise<Stage> {
  await trial.app.define({ api: { replicas: 1 }, web: { replicas: 1 } });
  await trial.app.hand.up({ api: "unchecked1", web: "unchecked1" });
  const undo = new AsyncDisposableStack();
  const { gate, opener } = undo.use(await throughGate(trial.app.opener()));
  const run: Stage["run"] = (job) => {
    const runner = new Runner({ opener, policy: POLICY, lifeMs: LIFE_MS, ...job });
    undo.defer(async () => {
      runner.signal("SIGKILL");
      await runner.ended;
    });
    return runner;
  };
  return { gate, run, [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

/** A deployment that is just about to make (1) or to shift to (2) the new containers. */
async function deployTo(trial: Trial, stage: Stage, nth: 1 | 2, drainMs = 0): Promise<Runner> {
  const release = await trial.app.release({ api: "unchecked2", web: "unchecked2" }, commit(0xa0));
  const policy = { ...POLICY, drainMs };
  const runner = stage.run({ run: "victim", release, policy, holdAt: { step: "act", nth } });
  await runner.held();
  return runner;
}

/** Lets it go on to that point. */
async function goTo(runner: Runner, point: Promise<void>): Promise<void> {
  runner.release();
  await Promise.race([point, runner.ended.then(endedBefore)]);
}

function endedBefore(end: RunnerEnd): never {
  expect.unreachable(`it ended before: ${end.log}`);
}

/** It is stopped for longer than its life; the old release is put back; woken, it leaves that as it is. */
async function expectHarmless(
  trial: Trial,
  { gate }: Stage,
  victim: Runner,
  meanwhile = async (): Promise<void> => undefined,
): Promise<void> {
  victim.signal("SIGSTOP");
  const result = await trial.recover({ lifeMs: LIFE_MS });
  expect(result, trial.log.text()).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
  await meanwhile();
  await wakeUp(trial, gate, victim, OLD);
}

async function wakeUp(trial: Trial, gate: ChangeGate, victim: Runner, running: Running): Promise<void> {
  const before = await trial.expectRunning(running);
  await gate.open();
  victim.signal("SIGCONT");
  const end = await victim.ended;
  expect(await trial.seen(), end.log).toEqual(before);
  expect(end, end.log).toMatchObject({ cause: "fenced" });
  expect((await trial.ledger()).map(([, outcome]) => outcome)).not.toContain("open");
}

/** Nothing is on its way: the timer of its pause, over by then, is among the first things that it wakes up to. */
export async function wokenInDrain(trial: Trial): Promise<void> {
  await using stage = await openStage(trial);
  const victim = await deployTo(trial, stage, 2, DRAIN_MS);
  await goTo(victim, stage.gate.answered(2, GIVE_NAMES));
  const until = performance.now() + DRAIN_MS + MARGIN_MS;
  // It has shown life since, to the end, so that it has come to its pause; a look takes longer than the answer to that.
  await goTo(victim, stage.gate.answered(1, SHOW_LIFE));
  await goTo(victim, stage.gate.answered(1, CLEAR_OLD_LIFE));
  await trial.seen();
  await expectHarmless(trial, stage, victim, async () => {
    await waitUntil("its pause is over", async () => performance.now() > until, { withinMs: 60_000 });
  });
}

/** One old container is stopped, the other one is not yet told. */
export async function wokenBetweenStops(trial: Trial): Promise<void> {
  await using stage = await openStage(trial);
  const victim = await deployTo(trial, stage, 2);
  await goTo(victim, stage.gate.stopAfter(1, STOP));
  await expectHarmless(trial, stage, victim);
}

/** It is about to have compose make the new containers. */
export async function wokenBeforeCreation(trial: Trial): Promise<void> {
  await using stage = await openStage(trial);
  const victim = await deployTo(trial, stage, 1);
  await goTo(victim, stage.gate.stopAfter(1, LIST_ALL_VOLUMES));
  await expectHarmless(trial, stage, victim);
}

/**
 * The run is killed, and compose, which it had called, goes on: what that was about to make is made after the recovery. It is
 * never started, and the next release takes it away.
 */
export async function createdAfterRecovery(trial: Trial): Promise<void> {
  await using stage = await openStage(trial);
  const before = await trial.seen();
  const victim = await deployTo(trial, stage, 1);
  await goTo(victim, stage.gate.stopBefore(1, CREATE));
  victim.signal("SIGKILL");
  await victim.ended;
  const { project } = trial.app.scope;
  expect(await isMaking(project), "compose lives on").toBe(true);
  const result = await trial.recover({ isGone: async ({ run }) => run === "victim" });
  expect(result, trial.why(result)).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
  await trial.expectRunning(OLD);
  await stage.gate.open();
  await waitUntil("compose is gone", async () => !(await isMaking(project)), { withinMs: 60_000, everyMs: 100 });
  const { services } = await trial.seen();
  const late = Object.values(services).flatMap((all) => all.filter(({ running }) => !running));
  expect(late, "it was too late to be seen by the recovery").not.toEqual([]);
  for (const [name, all] of Object.entries(services)) {
    expect(
      all.filter(({ running }) => running),
      "what runs is what ran before",
    ).toEqual(before.services[name]);
  }
  const variants = { api: "unchecked3", web: "unchecked3" } as const;
  const next = await trial.deploy(variants, { revision: commit(0xb0) });
  expect(next, trial.why(next)).toMatchObject({ outcome: "succeeded" });
  await trial.expectRunning(NEXT);
}

/** Whether a compose of that project is making containers. */
async function isMaking(project: string): Promise<boolean> {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.some((line) => line.includes(`\0--project-name\0${project}\0`) && line.includes("\0--no-start\0"));
}

/** The dead run had stopped both old containers; its recoverer has started one of them again; then the next release comes. */
export async function wokenInRecovery(trial: Trial): Promise<void> {
  await using stage = await openStage(trial);
  const dead = await deployTo(trial, stage, 2);
  await goTo(dead, stage.gate.stopAfter(2, STOP));
  dead.signal("SIGKILL");
  await dead.ended;
  await stage.gate.open();
  const victim = stage.run({ run: "recoverer", over: ["victim"] });
  await goTo(victim, stage.gate.stopAfter(1, START));
  victim.signal("SIGSTOP");
  const variants = { api: "unchecked3", web: "unchecked3" } as const;
  const next = await trial.deploy(variants, { ports: { lifeMs: LIFE_MS }, revision: commit(0xb0) });
  expect(next, trial.log.text()).toMatchObject({ outcome: "succeeded", recovered: [{ kind: "recovered" }] });
  await wakeUp(trial, stage.gate, victim, NEXT);
}
