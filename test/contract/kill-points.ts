import { STEPS } from "@belay/rollout";

/** Which run is killed: one of a good release, of a bad one, one that recovers, one that finds nothing to change, one by hand to
 * an earlier deployment, one that asks another to stop, and the first ever, whose release would be kept or removed if it failed.
 */
export type Course = "forward" | "back" | "recovery" | "confirmation" | "rollback" | "supersession" | First;
/** What the policy would do with a first release that fails. */
export type First = "first, kept" | "first, removed";

export function isFirst(course: Course): course is First {
  return course.startsWith("first");
}

/** A runner is killed just before this step of its course. A step that comes once per stage is meant every time it comes. */
export interface KillPoint {
  readonly course: Course;
  readonly step: string;
}

/** Steps of each course, in their order. */
export const COURSE_STEPS: Readonly<Record<Course, readonly string[]>> = {
  forward: [
    ...["survey", "plan", "preflight", "snapshot", "begin", "baseline", "act", "watch"],
    ...["read back", "end", "compact"],
  ],
  back: [
    ...["dossier", "restoration", "restore baseline", "restore act", "restore watch"],
    ...["read back", "end", "compact"],
  ],
  recovery: [
    ...["survey", "takeover", "load snapshot", "restoration", "restore baseline", "restore act", "restore watch"],
    ...["read back", "end recovered", "end"],
  ],
  confirmation: ["confirm"],
  rollback: ["choose", "load snapshot", "act"],
  supersession: ["supersede"],
  "first, kept": ["act", "watch", "read back"],
  "first, removed": ["act", "watch", "read back"],
};

/** Steps of rollout that no course comes to: a new one must be put into a course. */
export function unknownSteps(): readonly string[] {
  const known = new Set(Object.values(COURSE_STEPS).flat());
  return STEPS.filter((step) => !known.has(step));
}

/** Every place where a runner is killed. */
export const KILL_POINTS: readonly KillPoint[] = (Object.keys(COURSE_STEPS) as Course[]).flatMap((course) =>
  COURSE_STEPS[course].map((step) => ({ course, step })),
);
