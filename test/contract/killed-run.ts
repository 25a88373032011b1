import type { Release } from "@belay/core";
import { knownDigests } from "@belay/core";
import { expect } from "vitest";
import { type Course, isFirst, type KillPoint } from "./kill-points.ts";
import { POLICY } from "./policy.ts";
import { commit } from "./release-of.ts";
import { Runner, type RunnerEnd } from "./runner.ts";
import type { RunnerJob, StepPoint } from "./runner-process.ts";
import type { Variants } from "./stand.ts";
import type { Trial } from "./trial.ts";

const VICTIM = "victim";
const RESCUER = "first rescuer";
const HOLDER = "holder";

/** Whether `web` has a health check. */
type Kind = "good" | "unchecked";

/**
 * With one where a run is killed while it watches: that what runs is right means more there than that it runs. Elsewhere without:
 * the processes of health checks would be most of what many applications side by side cost.
 */
function kindAt(step: string): Kind {
  return ["watch", "restore watch"].includes(step) ? "good" : "unchecked";
}

/** The images of one release, the first of which is brought up by hand. */
function variantsOf(kind: Kind, release: number): Variants {
  return { api: `unchecked${release}`, web: `${kind}${release}` };
}

/** How often each step of a course comes. */
export type StepCounts = ReadonlyMap<string, number>;

function job(trial: Trial, more: Partial<RunnerJob>): RunnerJob {
  return { opener: trial.app.opener(), run: VICTIM, policy: { ...POLICY, stableMs: 500 }, ...more };
}

function run(trial: Trial, more: Partial<RunnerJob>): Promise<RunnerEnd> {
  return new Runner(job(trial, more)).ended;
}

/** Two services, one of which depends on the other, brought up by hand unless it is a first deployment. @returns what the runner of the course is to do. */
async function prepare(trial: Trial, course: Course, kind: Kind): Promise<Partial<RunnerJob>> {
  await trial.app.define({ api: { replicas: 1 }, web: { replicas: 1, dependsOn: ["api"] } });
  if (!isFirst(course)) await trial.app.hand.up(variantsOf(kind, 1));
  const crash: Variants = course === "back" ? { web: "crash" } : {};
  const release = await trial.app.release({ ...variantsOf(kind, 2), ...crash });
  // Longer than the bad release lives: on an engine that tells of its end late, it would be proven before.
  if (course === "back") return { release, policy: { ...POLICY, stableMs: 5_000 } };
  if (isFirst(course)) {
    const onFirstFailure = course === "first, kept" ? "keep" : "remove";
    return { release, policy: { ...POLICY, stableMs: 500, onFirstFailure } };
  }
  if (course === "supersession") return { release, policy: { ...POLICY, stableMs: 500, onLocked: "supersede" } };
  if (course !== "confirmation" && course !== "rollback") return { release };
  await expectDeployed(trial, release);
  if (course === "confirmation") return { release };
  await expectDeployed(trial, await trial.app.release(variantsOf(kind, 3)));
  return { rollbackTo: "1" };
}

async function expectDeployed(trial: Trial, release: Release): Promise<void> {
  const end = await run(trial, { release, run: "earlier" });
  expect(end, end.log).toMatchObject({ code: 0, outcome: "succeeded" });
}

/** Runs a course to its end, without killing anybody, and counts. */
export async function countSteps(trial: Trial, course: Course, forward: StepCounts | undefined): Promise<StepCounts> {
  const todo = await prepare(trial, course, "unchecked");
  if (course === "recovery") await killLate(trial, todo, forward);
  const end = await runCourse(trial, course, course === "recovery" ? { run: RESCUER, over: [VICTIM] } : todo);
  expect(end, end.log).toMatchObject({ code: 0, signal: null });
  const counts = new Map<string, number>();
  for (const { step } of end.steps) counts.set(step, (counts.get(step) ?? 0) + 1);
  return counts;
}

/** One that asks another to stop needs one that is at work; that one goes on when it was asked, or nobody is left to. */
async function runCourse(trial: Trial, course: Course, todo: Partial<RunnerJob>): Promise<RunnerEnd> {
  if (course !== "supersession") return run(trial, todo);
  const release = await trial.app.release(variantsOf("unchecked", 3), commit(0));
  const holder = new Runner(job(trial, { run: HOLDER, release, holdAt: { step: "watch", nth: 1 } }));
  await holder.held();
  const asker = new Runner(job(trial, todo));
  await (todo.killAt === undefined ? asker.reached("supersede") : asker.ended);
  holder.release();
  const [end, held] = await Promise.all([asker.ended, holder.ended]);
  expect(["succeeded", "superseded"], held.log).toContain(held.outcome);
  return end;
}

/** The victim of whom the rescuer has to recover most: it dies before its last change. */
async function killLate(trial: Trial, todo: Partial<RunnerJob>, forward: StepCounts | undefined): Promise<void> {
  const killAt = { step: "act", nth: forward?.get("act") ?? 1 };
  expect(await run(trial, { ...todo, killAt })).toMatchObject({ signal: "SIGKILL" });
}

/** Kills a runner at a point. Afterwards nobody holds the environment, and nobody has put it right. */
export async function killAt(
  trial: Trial,
  point: StepPoint & { readonly course: Course },
  forward: StepCounts | undefined,
): Promise<void> {
  const todo = await prepare(trial, point.course, kindAt(point.step));
  if (point.course !== "recovery") {
    const end = await runCourse(trial, point.course, { ...todo, killAt: point });
    expect(end, end.log).toMatchObject({ signal: "SIGKILL" });
    return;
  }
  await killLate(trial, todo, forward);
  const end = await run(trial, { run: RESCUER, over: [VICTIM], killAt: point });
  expect(end, end.log).toMatchObject({ signal: "SIGKILL" });
}

const isGone = async ({ run: name }: { readonly run: string }): Promise<boolean> => [VICTIM, RESCUER].includes(name);

/** What a user's next release does. */
export async function deployNext(trial: Trial, { step }: KillPoint): Promise<void> {
  const next = await trial.deploy(variantsOf(kindAt(step), 4), { ports: { isGone } });
  expect(next, trial.why(next)).toMatchObject({
    outcome: "succeeded",
    leftOpen: false,
  });
  await expectWhole(trial, variantsOf(kindAt(step), 4));
  await expectClosed(trial);
}

/**
 * What `belay reconcile` does. One release runs as a whole then, the old or the new one; nothing, when the first deployment
 * was killed: a run that died has not shown that its release is bad, so that there is nothing to keep for a look.
 */
export async function reconcile(trial: Trial, { course, step }: KillPoint): Promise<void> {
  const result = await trial.recover({ isGone });
  expect(["nothing", "recovered"], trial.why(result)).toContain(result.kind);
  // A rescuer that had only its own end left to write leaves nothing to put right.
  const isDone = course === "recovery" && step === "end";
  if (result.kind === "recovered") expect(result.outcome).toBe(isDone ? undefined : "rolled_back");
  await expectWhole(trial, isFirst(course) ? {} : variantsOf(kindAt(step), await releaseOfApi(trial)));
  await expectClosed(trial);
}

/** One instance of each service runs, with these images, healthy where they can be, and nothing else. */
async function expectWhole(trial: Trial, variants: Variants): Promise<void> {
  await trial.expectRunning(Object.fromEntries(Object.entries(variants).map(([name, is]) => [name, [is, 1]])));
}

/** Which of the releases the observer sees of `api`. `web` must run the same. */
async function releaseOfApi(trial: Trial): Promise<number> {
  const [first] = (await trial.seen()).services.api ?? [];
  for (const release of [1, 2, 3]) {
    const digests = knownDigests(await trial.app.identity(`unchecked${release}`)) as readonly string[];
    if (first?.digests.some((digest) => digests.includes(digest))) return release;
  }
  throw new Error(`an image that nobody released runs: ${JSON.stringify(first)}`);
}

/** Each deployment that was begun has its end. */
async function expectClosed(trial: Trial): Promise<void> {
  expect((await trial.ledger()).filter(([, end]) => end === "open")).toEqual([]);
}
