import { describe, expect, test, vi } from "vitest";
import { COURSE_STEPS, type Course, isFirst, KILL_POINTS, type KillPoint, unknownSteps } from "./kill-points.ts";
import { countSteps, deployNext, killAt, reconcile, type StepCounts } from "./killed-run.ts";
import { ResultBook } from "./results.ts";
import type { EngineStand } from "./stand.ts";
import { Trial } from "./trial.ts";
import {
  bothAtOnce,
  pausedAndSuperseded,
  pausedAndWoken,
  rollbackSupersedes,
  secondRefused,
  secondSupersedes,
} from "./two-runners.ts";

let count = 0;

async function withTrial<T>(stand: EngineStand, work: (trial: Trial) => Promise<T>): Promise<T> {
  const app = await stand.application(`belay-kt-${process.pid}-${++count}`);
  try {
    return await work(new Trial(app));
  } finally {
    await app.remove();
  }
}

/** Where Belay changes only what is there, there is no first deployment. */
function whyNoFirst({ impossible }: EngineStand): string | undefined {
  return impossible["first deployment, good"];
}

/** How many of the places where a runner is killed there are on this engine. */
function countPoints(stand: EngineStand): number {
  return KILL_POINTS.filter(({ course }) => !isFirst(course) || whyNoFirst(stand) === undefined).length;
}

/** Each course's steps as they come on this engine. */
async function readCourses(stand: EngineStand): Promise<ReadonlyMap<Course, StepCounts>> {
  const one = (course: Course, forward?: StepCounts): Promise<StepCounts> =>
    withTrial(stand, (trial) => countSteps(trial, course, forward));
  const [forward, back, confirmation] = await Promise.all([one("forward"), one("back"), one("confirmation")]);
  const [recovery, ...others] = await Promise.all([one("recovery", forward), one("rollback"), one("supersession")]);
  const [rollback, supersession] = others;
  const courses = { forward, back, confirmation, recovery, rollback, supersession };
  const all = new Map(Object.entries(courses) as [Course, StepCounts][]);
  if (whyNoFirst(stand) !== undefined) return all;
  const first = await one("first, kept");
  return all.set("first, kept", first).set("first, removed", first);
}

const RESCUES = { "the next deployment": deployNext, reconcile } as const;
type Rescue = keyof typeof RESCUES;

/** The whole matrix, instead of the selection that fits into `npm test`. */
const WHOLE = process.env.BELAY_SOAK === "1";

/** What a change that nobody waits for any more comes to is each engine's own. */
const ABOUT_CHANGES = ["act", "watch", "restore act", "restore watch"];

/** Neighbours have a ledger of different kinds. */
const STANDS = ["compose", "swarm", "kubernetes", "swarm services", "manifests"] as const;
export type KillStand = (typeof STANDS)[number];

/**
 * Points at which this stand is killed, and how that is put right. Between its changes of an engine a run is the same code on
 * all of them, so each of those points is tried on two stands that are neighbours, once per rescue; the others on every one.
 */
function trialsOf(stand: KillStand) {
  const place = STANDS.indexOf(stand);
  return KILL_POINTS.flatMap((point, index) => {
    const everywhere = WHOLE || isFirst(point.course) || ABOUT_CHANGES.includes(point.step);
    const turn = (place - index + KILL_POINTS.length * STANDS.length) % STANDS.length;
    if (!everywhere && turn > 1) return [];
    const all = Object.keys(RESCUES) as Rescue[];
    const number = everywhere ? (index + place) % 2 : turn;
    const rescues = WHOLE ? all : all.slice(number, number + 1);
    return rescues.map((rescue) => ({ point, rescue, title: `${point.course}, ${point.step}, then ${rescue}` }));
  });
}

/**
 * Which times a step is killed at, of those that it comes on this engine: each, or the one in the middle, where some stages
 * are done and others are not.
 */
function timesOf({ course, step }: KillPoint, courses: ReadonlyMap<Course, StepCounts>): readonly number[] {
  const count = courses.get(course)?.get(step) ?? 0;
  if (count === 0) throw new Error(`${step} does not come in the course ${course}`);
  return WHOLE ? Array.from({ length: count }, (_, index) => index + 1) : [Math.ceil((count + 1) / 2)];
}

export interface KillOptions {
  /** Only one runner, except with `BELAY_SOAK=1`: for a stand whose ledger and fences are those of another one. */
  readonly oneRunner?: boolean;
}

/**
 * Runners as processes of their own: killed before every step there is, two at once, stopped and woken. The observer has the
 * last word on what runs. `BELAY_SOAK=1`: at every stage of the engine, and with both ways to put it right. Without it, the
 * stands share among them the steps that are the same on all.
 */
export function killSuite(
  title: string,
  name: KillStand,
  open: () => Promise<EngineStand>,
  { oneRunner }: KillOptions = {},
): void {
  vi.setConfig({ maxConcurrency: 4, testTimeout: 600_000 });
  const it = test
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
    .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
      const stand = await open();
      onCleanup(() => stand.stop());
      return stand;
    })
    .extend("book", { scope: "file" }, async ({ stand }, { onCleanup }) => {
      const book = new ResultBook();
      onCleanup(() => book.close(stand, "runs"));
      return book;
    })
    .extend("courses", { scope: "file" }, ({ stand }) => readCourses(stand));

  describe.concurrent(`${title}: a run that is killed before`, () => {
    it("is one of the known steps, and each of them comes", ({ courses }) => {
      expect(unknownSteps()).toEqual([]);
      for (const [course, counts] of courses) {
        expect([...counts.keys()]).toEqual(expect.arrayContaining([...COURSE_STEPS[course]]));
      }
    });

    it.for(trialsOf(name))("$title", async ({ point, rescue }, { stand, book, courses }) => {
      const reason = isFirst(point.course) ? whyNoFirst(stand) : undefined;
      if (reason !== undefined) return expect(reason).not.toBe("");
      for (const nth of timesOf(point, courses)) {
        await withTrial(stand, async (trial) => {
          await killAt(trial, { ...point, nth }, courses.get("forward"));
          const began = performance.now();
          await RESCUES[rescue](trial, point);
          const at = `${point.course}, ${point.step}`;
          book.kill(`killed before a step, then ${rescue}`, at, countPoints(stand), began);
        });
      }
    });
  });

  if (oneRunner && !WHOLE) return;
  describe.concurrent(`${title}: two runners`, () => {
    it("at once end with the newer release", async ({ stand, book }) => {
      const began = performance.now();
      const told = await withTrial(stand, bothAtOnce);
      book.tell("two runners at once", told, performance.now() - began);
    });

    it("at once: by policy the second one is refused", ({ stand }) => withTrial(stand, secondRefused));

    it("at once: by policy the newer one makes the older one stop", async ({ stand, book }) => {
      const began = performance.now();
      const told = await withTrial(stand, secondSupersedes);
      book.tell("superseded by policy", told, performance.now() - began, "superseded");
    });

    it("at once: a rollback by hand stops the release that is coming", async ({ stand, book }) => {
      const began = performance.now();
      const told = await withTrial(stand, rollbackSupersedes);
      book.tell("rolled back by hand meanwhile", told, performance.now() - began, "superseded");
    });

    it("of which the one that is to stop was paused: it is taken over", ({ stand }) =>
      withTrial(stand, pausedAndSuperseded));

    it("of which one was paused past its life: when woken it changes nothing", async ({ stand, book, courses }) => {
      const began = performance.now();
      await withTrial(stand, (trial) => pausedAndWoken(trial, courses.get("forward")?.get("act") ?? 1));
      book.tell("paused past its life and woken", "superseded", performance.now() - began, "fenced");
    });
  });
}
