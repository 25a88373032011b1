import { STEPS } from "@belay/rollout";
import type { StepPoint } from "./runner-process.ts";

/** Which run is killed: one of a good release, of a bad one, one that recovers, one that finds nothing to change, one by hand to
 * an earlier deployment. */
export type Course = "forward" | "back" | "recovery" | "confirmation" | "rollback";

export interface KillPoint extends StepPoint {
  readonly course: Course;
}

/** Stages of one way, at most: each of its steps is come to once per stage. */
export const MOST_STAGES = 5;
const PER_STAGE: readonly string[] = ["act", "watch", "restore act", "restore watch"];

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
};

/** Steps of rollout that no course comes to: a new one must be put into a course. */
export function unknownSteps(): readonly string[] {
  const known = new Set(Object.values(COURSE_STEPS).flat());
  return STEPS.filter((step) => !known.has(step));
}

/** Every place where a runner is killed: just before each step of each course, and before each stage's. */
export const KILL_POINTS: readonly KillPoint[] = (Object.keys(COURSE_STEPS) as Course[]).flatMap((course) =>
  COURSE_STEPS[course].flatMap((step) => {
    const times = PER_STAGE.includes(step) ? MOST_STAGES : 1;
    return Array.from({ length: times }, (_, index) => ({ course, step, nth: index + 1 }));
  }),
);
