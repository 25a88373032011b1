import { describe, expect, test, vi } from "vitest";
import { COURSE_STEPS, type Course, KILL_POINTS, type KillPoint, MOST_STAGES, unknownSteps } from "./kill-points.ts";
import { countSteps, deployNext, killAt, reconcile, type StepCounts } from "./killed-run.ts";
import { ResultBook } from "./results.ts";
import type { EngineStand } from "./stand.ts";
import { Trial } from "./trial.ts";
import { bothAtOnce, pausedAndWoken, secondRefused } from "./two-runners.ts";

let count = 0;

async function withTrial<T>(stand: EngineStand, work: (trial: Trial) => Promise<T>): Promise<T> {
  const app = await stand.application(`belay-kt-${process.pid}-${++count}`);
  try {
    return await work(new Trial(app));
  } finally {
    await app.remove();
  }
}

/** Each course's steps as they come on this engine. */
async function readCourses(stand: EngineStand): Promise<ReadonlyMap<Course, StepCounts>> {
  const one = (course: Course, forward?: StepCounts): Promise<StepCounts> =>
    withTrial(stand, (trial) => countSteps(trial, course, forward));
  const [forward, back, confirmation] = await Promise.all([one("forward"), one("back"), one("confirmation")]);
  const [recovery, rollback] = await Promise.all([one("recovery", forward), one("rollback")]);
  return new Map(Object.entries({ forward, back, confirmation, recovery, rollback }) as [Course, StepCounts][]);
}

const RESCUES = { "the next deployment": deployNext, reconcile } as const;
type Rescue = keyof typeof RESCUES;

/** Where much can be half done, both ways to put it right are tried; elsewhere they take turns. */
const BOTH: readonly string[] = ["begin", "baseline", "act", "watch", "restore act", "restore watch", "end"];

function trialsOf(point: KillPoint, index: number): { readonly point: KillPoint; readonly rescue: Rescue }[] {
  const all = Object.keys(RESCUES) as Rescue[];
  const both = BOTH.includes(point.step) && point.course !== "recovery";
  const rescues = both ? all : all.filter((_, number) => number === index % 2);
  return rescues.map((rescue) => ({ point, rescue }));
}

const TRIALS = KILL_POINTS.flatMap(trialsOf).map((one) => ({
  ...one,
  title: `${one.point.course}, ${one.point.step} ${one.point.nth}, then ${one.rescue}`,
}));

/**
 * Runners as processes of their own: killed before every step there is, two at once, stopped and woken. The observer has the
 * last word on what runs.
 */
export function killSuite(title: string, open: () => Promise<EngineStand>): void {
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
        expect(Math.max(...counts.values())).toBeLessThanOrEqual(MOST_STAGES);
      }
    });

    it.for(TRIALS)("$title", async ({ point, rescue }, { stand, book, courses }) => {
      // An engine with fewer stages has fewer changes to be killed before.
      if (point.nth > (courses.get(point.course)?.get(point.step) ?? 0)) return expect(point.nth).toBeGreaterThan(1);
      await withTrial(stand, async (trial) => {
        await killAt(trial, point, courses.get("forward"));
        const began = performance.now();
        await RESCUES[rescue](trial);
        book.count(`killed before every step, then ${rescue}`, began);
      });
    });
  });

  describe.concurrent(`${title}: two runners`, () => {
    it("at once end with the newer release", async ({ stand, book }) => {
      const began = performance.now();
      const told = await withTrial(stand, bothAtOnce);
      book.tell("two runners at once", told, performance.now() - began);
    });

    it("at once: by policy the second one is refused", ({ stand }) => withTrial(stand, secondRefused));

    it("of which one was paused past its life: when woken it changes nothing", async ({ stand, book }) => {
      const began = performance.now();
      await withTrial(stand, pausedAndWoken);
      book.tell("paused past its life and woken", "superseded", performance.now() - began, "fenced");
    });
  });
}
