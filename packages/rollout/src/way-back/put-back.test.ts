import type { CauseDetail } from "@belay/core";
import { expect, it } from "vitest";
import type { WayEnd } from "../way/course.ts";
import { whyFailed } from "./put-back.ts";

const ILL: CauseDetail = { cause: "crash_loop", service: "web" };
const seen = { observation: undefined, touched: true } as const;
const late = { kind: "timed_out", waitingFor: ["api: 0 of 1 instances ready", "web: one more"], ...seen } as const;
const detail = late.waitingFor.join("; ");

it.each<[string, WayEnd, CauseDetail | undefined, CauseDetail | undefined]>([
  ["nothing, when all is right", { kind: "converged", ...seen }, undefined, undefined],
  ["one that was excused, though all others are right", { kind: "converged", ...seen }, ILL, ILL],
  [
    "what failed at the end",
    { kind: "failed", cause: { cause: "oom_killed", service: "api" }, ...seen },
    ILL,
    { cause: "oom_killed", service: "api" },
  ],
  ["the time", { ...late, unreachable: false }, undefined, { cause: "timed_out", detail }],
  [
    "the time, for the one that was excused",
    { ...late, unreachable: false },
    ILL,
    { cause: "timed_out", service: "web", detail },
  ],
  ["nothing that anybody knows", { ...late, unreachable: true }, ILL, undefined],
])("against what a way back has led to there is %s", (_, end, cause, found) => {
  expect(whyFailed(end, { cause })).toEqual(found);
});
