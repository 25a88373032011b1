import { freePort } from "@belay/testkit";
import { describe, expect, test, vi } from "vitest";
import type { ChangeGate } from "../contract/change-gate.ts";
import { openComposeStand } from "../contract/compose-stand.ts";
import { POLICY } from "../contract/policy.ts";
import { ALONE_SUFFIX, ResultBook } from "../contract/results.ts";
import { Runner } from "../contract/runner.ts";
import type { RunnerJob, StepPoint } from "../contract/runner-process.ts";
import { deployOver, expectDone, expectRolledBack, SICK, STARTED, type Usual } from "../contract/scenario.ts";
import type { ServiceDefinition } from "../contract/stand.ts";
import { throughGate } from "../contract/through-gate.ts";
import { type Running, Trial } from "../contract/trial.ts";
import { CRASH_CODE, CRASH_LINE, type VariantName } from "../contract/variants.ts";

/* What can't run beside itself: the old container ends before the new one is made, and is started again on the way back. */

vi.setConfig({ maxConcurrency: 4, testTimeout: 600_000 });

let count = 0;

const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
  .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
    const stand = await openComposeStand();
    onCleanup(() => stand.stop());
    return stand;
  })
  .extend("book", { scope: "file" }, async ({ stand }, { onCleanup }) => {
    const book = new ResultBook();
    onCleanup(() => book.close({ title: `${stand.title}${ALONE_SUFFIX}` }, "cases"));
    return book;
  })
  .extend("trial", async ({ stand }, { onCleanup }) => {
    const app = await stand.application(`belay-cr-${process.pid}-${++count}`);
    onCleanup(() => app.remove());
    return new Trial(app);
  });

const RECREATE = { ...POLICY, strategy: "recreate" } as const;
const OLD: Running = { web: ["good1", 1] };
type Alone = "name" | "port";
const ALONE: readonly Alone[] = ["name", "port"];

async function only(alone: Alone): Promise<ServiceDefinition> {
  return { replicas: 1, alone: alone === "name" ? "name" : { port: await freePort() } };
}

async function usual(alone: Alone, options: Usual["options"] = {}): Promise<Usual> {
  return { web: await only(alone), options: { ...options, policy: { ...RECREATE, ...options.policy } } };
}

describe.concurrent("a service that can't run twice", () => {
  it.for(ALONE)(
    "since its %s can be had only once, is replaced, and comes back from a crash",
    async (alone, { trial, book }) => {
      const result = await deployOver(trial, "good2", await usual(alone));
      const tookMs = trial.lastMs;
      await expectDone(trial, result, { web: ["good2", 1] });
      book.note("good", result, tookMs);
      expect(result.report.changes).toMatchObject([{ service: "web", action: "recreate" }]);
      const before = await trial.seen();
      const back = await trial.deploy({ web: "crash" }, { policy: RECREATE });
      await expectRolledBack(trial, back, STARTED, { web: ["good2", 1] });
      book.note("crash at start", back, trial.lastMs);
      expect(await trial.seen(), "the container that ran before").toEqual(before);
      expect(back.report.evidence).toMatchObject([{ service: "web", exitCode: CRASH_CODE }]);
      expect(back.report.evidence[0]?.logLines).toContainEqual(expect.stringContaining(CRASH_LINE));
      expect((await trial.ledger()).map(([, outcome]) => outcome)).toEqual(["rolled_back", "succeeded"]);
    },
  );

  it("comes back when the new one is unhealthy", async ({ trial, book }) => {
    const result = await deployOver(trial, "unhealthy", await usual("port"));
    await expectRolledBack(trial, result, SICK.compose, OLD);
    book.note("unhealthy", result, trial.lastMs);
  });

  it("comes back when the run is cancelled", async ({ trial, book }) => {
    const cancel = new AbortController();
    const onStep = (step: string): void => {
      if (step === "watch") cancel.abort();
    };
    const result = await deployOver(trial, "good2", await usual("name", { ports: { signal: cancel.signal, onStep } }));
    expect(result, trial.why(result)).toMatchObject({ outcome: "rolled_back", cause: { cause: "cancelled" } });
    expect(await trial.ledger()).toEqual([[1, "rolled_back"]]);
    await trial.expectRunning(OLD);
    book.note("cancelled in the middle", result, trial.lastMs);
  });
});

const VICTIM = "victim";

/** A run that is killed. The old container runs, brought up by hand. */
async function victimOf(
  trial: Trial,
  alone: Alone,
  variant: VariantName,
): Promise<Pick<RunnerJob, "run" | "release" | "policy">> {
  await trial.app.define({ web: await only(alone) });
  await trial.app.hand.up({ web: "good1" });
  const release = await trial.app.release({ web: variant });
  // Longer than the bad release lives.
  return { run: VICTIM, release, policy: { ...RECREATE, stableMs: variant === "crash" ? 5_000 : 500 } };
}

const isGone = async ({ run }: { readonly run: string }): Promise<boolean> => run === VICTIM;

const RESCUES = {
  reconcile: async (trial: Trial): Promise<void> => {
    const result = await trial.recover({ isGone });
    expect(result, trial.why(result)).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    await trial.expectRunning(OLD);
  },
  "the next deployment": async (trial: Trial): Promise<void> => {
    const next = await trial.deploy({ web: "good3" }, { policy: RECREATE, ports: { isGone } });
    await expectDone(trial, next, { web: ["good3", 1] });
  },
} as const;

async function expectRescued(trial: Trial, rescue: keyof typeof RESCUES): Promise<void> {
  await RESCUES[rescue](trial);
  expect((await trial.ledger()).map(([, end]) => end)).not.toContain("open");
}

/** All points with `BELAY_SOAK=1`; else every fourth. */
const WHOLE = process.env.BELAY_SOAK === "1";
const STEPS: readonly (StepPoint & { readonly variant: VariantName })[] = [
  { variant: "good2", step: "act", nth: 1 },
  { variant: "good2", step: "watch", nth: 1 },
  { variant: "good2", step: "act", nth: 2 },
  { variant: "good2", step: "watch", nth: 2 },
  { variant: "good2", step: "act", nth: 3 },
  { variant: "good2", step: "watch", nth: 3 },
  { variant: "good2", step: "read back", nth: 1 },
  { variant: "crash", step: "restoration", nth: 1 },
  { variant: "crash", step: "restore act", nth: 1 },
  { variant: "crash", step: "restore watch", nth: 1 },
  { variant: "crash", step: "restore act", nth: 2 },
  { variant: "crash", step: "restore watch", nth: 2 },
  { variant: "crash", step: "read back", nth: 1 },
];

interface Killed<Point> {
  readonly point: Point;
  readonly alone: Alone;
  readonly rescue: keyof typeof RESCUES;
}

const ALL = ALONE.flatMap((alone) =>
  (Object.keys(RESCUES) as (keyof typeof RESCUES)[]).map((rescue) => ({ alone, rescue })),
);

/** Services of either kind and both ways to put them right take turns. */
function inTurns<Point>(points: readonly Point[]): readonly Killed<Point>[] {
  return points.map((point, index) => ({ ...(ALL[index % ALL.length] as (typeof ALL)[number]), point }));
}

const SOME = WHOLE ? STEPS : STEPS.filter((_, index) => index % 4 === 1);

describe.concurrent("a service that can't run twice, when the run is killed before", () => {
  it.for(inTurns(SOME))(
    "$point.step $point.nth of $point.variant ($alone), then $rescue",
    async ({ point: { variant, ...killAt }, alone, rescue }, { trial }) => {
      const todo = await victimOf(trial, alone, variant);
      const end = await new Runner({ ...todo, opener: trial.app.opener(), killAt }).ended;
      expect(end, end.log).toMatchObject({ signal: "SIGKILL" });
      await expectRescued(trial, rescue);
    },
  );
});

type Point = (gate: ChangeGate) => Promise<void>;
const after =
  (asked: RegExp, nth = 1): Point =>
  (gate) =>
    gate.stopAfter(nth, asked);
const STOP = /^POST \S+\/containers\/\w+\/stop/;
const CREATE = /^POST \S+\/containers\/create/;
const START = /^POST \S+\/containers\/\w+\/start/;
const RENAME = /^POST \S+\/containers\/\w+\/rename/;
type Within = readonly [when: string, alone: Alone, rescue: keyof typeof RESCUES, point: Point];
/** Compose makes a model of what has a name of its own, and the real one is made like it. */
const WITHIN: readonly Within[] = [
  ["the old one is stopped", "port", "the next deployment", after(STOP)],
  ["the old one has given its name", "name", "the next deployment", after(RENAME)],
  ["the model is made", "name", "reconcile", after(CREATE)],
  ["the new one is made", "port", "reconcile", after(CREATE)],
];
const MORE: readonly Within[] = [
  ["the new one is started", "name", "reconcile", after(START)],
  ["the old one is stopped", "name", "reconcile", after(STOP)],
  ["the old one has given its name", "name", "reconcile", after(RENAME)],
  ["the model is made", "name", "the next deployment", after(CREATE)],
  ["the new one is made", "name", "the next deployment", after(CREATE, 2)],
  ["the new one is made", "name", "reconcile", after(CREATE, 2)],
  ["the new one is started", "port", "the next deployment", after(START)],
];

describe.concurrent("a service that can't run twice, when the run is killed as", () => {
  it.for(WHOLE ? [...WITHIN, ...MORE] : WITHIN)(
    "%s (%s), then %s",
    async ([, alone, rescue, point], { trial, onTestFinished }) => {
      const todo = await victimOf(trial, alone, "good2");
      const { gate, opener, ...gated } = await throughGate(trial.app.opener());
      onTestFinished(() => gated[Symbol.asyncDispose]());
      const runner = new Runner({ ...todo, opener, holdAt: { step: "act", nth: 1 } });
      await runner.held();
      const stopped = point(gate);
      runner.release();
      await Promise.race([stopped, runner.ended.then((end) => expect.unreachable(`it ended before: ${end.log}`))]);
      runner.signal("SIGKILL");
      // What it had sent arrives all the same.
      await gate.open();
      expect(await runner.ended).toMatchObject({ signal: "SIGKILL" });
      await expectRescued(trial, rescue);
    },
  );
});
