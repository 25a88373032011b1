import { knownDigests, type Release, type RolloutPolicy } from "@belay/core";
import { expect } from "vitest";
import { POLICY } from "./policy.ts";
import { commit } from "./release-of.ts";
import { Runner } from "./runner.ts";
import type { RunnerJob } from "./runner-process.ts";
import type { Trial } from "./trial.ts";

/** Long enough for a busy machine to show its beats. */
const LIFE_MS = 15_000;

async function prepare(trial: Trial): Promise<{ readonly older: Release; readonly newer: Release }> {
  await trial.app.define({ web: { replicas: 1 } });
  await trial.app.hand.up({ web: "good1" });
  const older = await trial.app.release({ web: "good2" }, commit(0xa0));
  const newer = await trial.app.release({ web: "good3" }, commit(0xb0));
  return { older, newer };
}

function start(trial: Trial, run: string, release: Release, more: Partial<RunnerJob> = {}): Runner {
  return new Runner({ opener: trial.app.opener(), run, release, policy: POLICY, lifeMs: LIFE_MS, ...more });
}

/** Whoever comes first, the newer release is what runs: the older one goes before it, or not at all. */
export async function bothAtOnce(trial: Trial): Promise<string> {
  const { older, newer } = await prepare(trial);
  const runners = [start(trial, "older", older), start(trial, "newer", newer)];
  const [first, second] = await Promise.all(runners.map((one) => one.ended));
  expect(second, second?.log).toMatchObject({ outcome: "succeeded" });
  expect(["succeeded", "superseded", "refused"], first?.log).toContain(first?.outcome);
  if (first?.outcome !== "succeeded") expect(first?.cause).toBe("older_release");
  await trial.expectRunning({ web: ["good3", 1] });
  const ends = (await trial.ledger()).map(([, end]) => end).filter((end) => end !== "refused");
  expect(new Set(ends)).toEqual(new Set(["succeeded"]));
  return `older: ${first?.outcome}, newer: ${second?.outcome}`;
}

/** By policy, the second one does not wait. */
export async function secondRefused(trial: Trial): Promise<void> {
  const { older, newer } = await prepare(trial);
  const first = start(trial, "first", older, { holdAt: { step: "act", nth: 1 } });
  await first.held();
  const second = start(trial, "second", newer, { policy: { ...POLICY, onLocked: "refuse" } });
  expect(await second.ended).toMatchObject({ outcome: "refused", cause: "locked" });
  first.release();
  expect(await first.ended).toMatchObject({ outcome: "succeeded" });
  await trial.expectRunning({ web: ["good2", 1] });
}

/**
 * SIGSTOP just before its last change, for longer than its life; others go on meanwhile; SIGCONT. `changes`: how many there
 * are on this engine for two services, one of which depends on the other.
 */
export async function pausedAndWoken(trial: Trial, changes: number): Promise<void> {
  await trial.app.define({ api: { replicas: 1 }, web: { replicas: 1, dependsOn: ["api"] } });
  await trial.app.hand.up({ api: "good1", web: "good1" });
  const older = await trial.app.release({ api: "good2", web: "good2" }, commit(0xa0));
  const holder = start(trial, "holder", older, { lifeMs: 4_000, holdAt: { step: "act", nth: changes } });
  await holder.held();
  holder.signal("SIGSTOP");
  // It would do its next change at once when it is woken.
  holder.release();
  const next = await trial.deploy({ api: "good3", web: "good3" }, { ports: { lifeMs: 4_000 }, revision: commit(0xb0) });
  expect(next, trial.why(next)).toMatchObject({ outcome: "succeeded", recovered: [{ kind: "recovered" }] });
  const before = await trial.expectRunning({ api: ["good3", 1], web: ["good3", 1] });
  holder.signal("SIGCONT");
  const end = await holder.ended;
  expect(end, end.log).toMatchObject({ outcome: "superseded", cause: "fenced" });
  expect(await trial.seen()).toEqual(before);
  expect((await trial.ledger()).map(([, outcome]) => outcome)).not.toContain("open");
}

const SUPERSEDE: RolloutPolicy = { ...POLICY, onLocked: "supersede" };
/** It has made its first change, and would look at it. */
const MIDWAY = { holdAt: { step: "watch", nth: 1 } } as const;
const ASKED = "asks deployment";

/** By policy, the newer one has the older one put back what ran before, and begins on that. */
export async function secondSupersedes(trial: Trial): Promise<string> {
  const { older, newer } = await prepare(trial);
  const first = start(trial, "older", older, MIDWAY);
  await first.held();
  const second = start(trial, "newer", newer, { policy: SUPERSEDE });
  await first.logged(ASKED);
  first.release();
  const [one, two] = await Promise.all([first.ended, second.ended]);
  expect(one, one.log).toMatchObject({ outcome: "superseded", cause: "superseded" });
  expect(two, two.log).toMatchObject({ outcome: "succeeded" });
  await trial.expectRunning({ web: ["good3", 1] });
  expect(await trial.ledger()).toEqual([
    [2, "succeeded"],
    [1, "superseded"],
  ]);
  const before = knownDigests(await trial.app.identity("good1"));
  const end = (await trial.history())[1]?.end;
  expect(end, "what was proven in between").toMatchObject({ runs: { proven: true }, running: [{ service: "web" }] });
  expect(
    end?.running?.[0]?.digests.some((digest) => before.includes(digest)),
    "the old release",
  ).toBe(true);
  return `older: ${one.outcome}, newer: ${two.outcome}`;
}

/** A person who presses rollback in the middle of a deployment means that one. */
export async function rollbackSupersedes(trial: Trial): Promise<string> {
  await trial.app.define({ web: { replicas: 1 } });
  await trial.app.hand.up({ web: "good1" });
  const proven = await trial.deploy({ web: "good2" }, { revision: commit(0x90) });
  expect(proven, trial.why(proven)).toMatchObject({ outcome: "succeeded" });
  const coming = await trial.app.release({ web: "good3" }, commit(0xa0));
  const first = start(trial, "coming", coming, MIDWAY);
  await first.held();
  const job = { opener: trial.app.opener(), run: "back", rollbackTo: "previous", policy: SUPERSEDE, lifeMs: LIFE_MS };
  const back = new Runner(job);
  await first.logged(ASKED);
  first.release();
  const [one, two] = await Promise.all([first.ended, back.ended]);
  expect(one, one.log).toMatchObject({ outcome: "superseded", cause: "superseded" });
  expect(two, two.log).toMatchObject({ outcome: "unchanged" });
  await trial.expectRunning({ web: ["good2", 1] });
  expect((await trial.ledger()).map(([, end]) => end)).toEqual(["superseded", "succeeded"]);
  return `deployment: ${one.outcome}, rollback: ${two.outcome}`;
}

/** Who was asked to stop and does not react is taken over when its life is over; when it is woken it changes nothing. */
export async function pausedAndSuperseded(trial: Trial): Promise<void> {
  const { older, newer } = await prepare(trial);
  const first = start(trial, "older", older, { ...MIDWAY, lifeMs: 4_000 });
  await first.held();
  first.signal("SIGSTOP");
  first.release();
  const second = await start(trial, "newer", newer, { policy: SUPERSEDE, lifeMs: 4_000 }).ended;
  expect(second, second.log).toMatchObject({ outcome: "succeeded" });
  const steps = second.steps.map(({ step }) => step);
  expect(steps.indexOf("supersede")).toBeGreaterThan(-1);
  expect(steps.indexOf("takeover")).toBeGreaterThan(steps.indexOf("supersede"));
  const before = await trial.expectRunning({ web: ["good3", 1] });
  first.signal("SIGCONT");
  const end = await first.ended;
  expect(end, end.log).toMatchObject({ outcome: "superseded", cause: "fenced" });
  expect(await trial.seen()).toEqual(before);
  expect((await trial.ledger()).map(([, outcome]) => outcome)).not.toContain("open");
}
