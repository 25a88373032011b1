import type { CauseDetail } from "@belay/core";
import { describe, expect, it } from "vitest";
import { condition, instance, observed, old, passing, probe, unready, withProbes } from "../testing/observations.ts";
import { BEFORE, type Case, exit, verdictOf } from "../testing/verdict-of.ts";

const leaving = old("o2", { phase: "draining" });

const CASES: [name: string, cause: Partial<CauseDetail>, one: Case][] = [
  [
    "an image that can't be pulled",
    { cause: "image_unavailable", detail: "ImagePullBackOff" },
    { seen: [[1, observed([unready("1", { state: "waiting", reason: "ImagePullBackOff" })])]] },
  ],
  [
    "a config that is missing",
    { cause: "config_missing" },
    { seen: [[1, observed([unready("1", { state: "waiting", reason: "CreateContainerConfigError" })])]] },
  ],
  [
    "an image that can't be pulled, in the engine's words",
    { cause: "image_unavailable", detail: "manifest unknown" },
    {
      seen: [
        [
          1,
          observed([
            unready("1", { state: "waiting", reason: "ErrImagePull", ...exit(0, { error: "manifest unknown" }) }),
          ]),
        ],
      ],
    },
  ],
  [
    "start time, before a probe that could not pass yet",
    { cause: "start_timeout", instance: "web-2" },
    {
      seen: [
        [1, withProbes(observed([instance("1"), unready("2")], { desired: 2 }), probe("waiting"))],
        [61, withProbes(observed([instance("1"), unready("2")], { desired: 2 }), probe("waiting"))],
      ],
    },
  ],
  [
    "a probe of one instance of two that never passes",
    { cause: "probe_failed", instance: "web-2" },
    {
      seen: [1, 61].map((second) => {
        const both = observed([instance("1"), instance("2")], { desired: 2 });
        const readings = [probe("passing", { instance: "1" }), probe("waiting", { instance: "2" })];
        return [second, withProbes(both, ...readings)] as const;
      }),
    },
  ],
  [
    "start time, before a probe of an instance that is not ready",
    { cause: "start_timeout", instance: "web-2" },
    {
      seen: [1, 61].map((second) => {
        const both = observed([instance("1"), unready("2")], { desired: 2 });
        const readings = [probe("passing", { instance: "1" }), probe("waiting", { instance: "2" })];
        return [second, withProbes(both, ...readings)] as const;
      }),
    },
  ],
  [
    "a start-up probe that killed",
    { cause: "startup_killed", detail: "the engine killed web-1 because its startup probe failed" },
    {
      crashes: 9,
      seen: [[1, observed([unready("1", { restarts: 1, ...exit(137, { killedBy: "startup probe" }) })])]],
    },
  ],
  [
    "a container that could not start",
    { cause: "start_failed", detail: "exec: not found" },
    { seen: [[1, observed([unready("1", { state: "waiting", ...exit(127, { error: "exec: not found" }) })])]] },
  ],
  [
    "the engine's own time for a rollout",
    { cause: "start_timeout", detail: "in the engine's words" },
    { seen: [[1, observed([unready("1")], { conditions: [condition("start_timeout")] })]] },
  ],
  [
    "what explains it, before the engine's own time for a rollout",
    { cause: "image_unavailable" },
    {
      seen: [
        [
          1,
          observed([unready("1", { state: "waiting", reason: "ErrImagePull" })], {
            conditions: [condition("start_timeout")],
          }),
        ],
      ],
    },
  ],
  [
    "start time",
    { cause: "start_timeout", detail: "not ready after 60 s: running" },
    {
      seen: [
        [1, observed([unready("1")])],
        [61, observed([unready("1")])],
      ],
    },
  ],
  [
    "missing instances",
    { cause: "instance_missing" },
    {
      seen: [
        [1, observed([])],
        [61, observed([])],
      ],
    },
  ],
  [
    "missing instances, though finished ones of a service that runs are listed",
    { cause: "instance_missing" },
    {
      seen: [1, 61].map((second) => {
        const gone = unready("1", { state: "exited", ...exit(0) }, { phase: "history", endedBy: "engine" });
        return [second, observed([gone])] as const;
      }),
    },
  ],
  [
    "a service that is not shown at all",
    { cause: "instance_missing" },
    {
      seen: [
        [1, { at: 1, services: [], probes: [] }],
        [61, { at: 1, services: [], probes: [] }],
      ],
    },
  ],
  [
    "a condition without any instance",
    { cause: "quota", detail: "exceeded quota" },
    { seen: [[1, observed([], { conditions: [condition("quota", "exceeded quota")] })]] },
  ],
  [
    "what a quota forbids, once it lasts, however often the engine tries",
    { cause: "quota", detail: "no room for web-b" },
    {
      seen: [
        [1, observed([old("o1")], { conditions: [passing("quota", "no room for web-a")] })],
        [6, observed([old("o1")], { conditions: [passing("quota", "no room for web-b")] })],
      ],
    },
  ],
  [
    "what a quota forbids when nothing on its way out fills it any more, and the engine has tried since",
    { cause: "quota" },
    {
      seen: [
        [1, observed([old("o1"), leaving], { conditions: [passing("quota")] })],
        [20, observed([old("o1"), leaving], { conditions: [passing("quota")] })],
        [21, observed([old("o1")], { conditions: [passing("quota")] })],
        [41, observed([old("o1")], { conditions: [passing("quota")] })],
      ],
    },
  ],
  [
    "a secret that nobody makes",
    { cause: "config_missing" },
    {
      seen: [1, 19].map(
        (second) => [second, observed([old("o1")], { conditions: [passing("config_missing")] })] as const,
      ),
    },
  ],
  [
    "what stood in the way of a start that took too long, though it may still pass",
    { cause: "quota", detail: "no room" },
    {
      seen: [1, 30, 61].map((second) => {
        return [second, observed([unready("1"), leaving], { conditions: [passing("quota", "no room")] })] as const;
      }),
    },
  ],
  [
    "what stood in the way of a start that took too long, and did so at begin",
    { cause: "config_missing", detail: "no secret" },
    {
      before: observed([old("o1")], { conditions: [passing("config_missing", "no secret")] }),
      seen: [1, 61].map((second) => {
        return [second, observed([unready("1")], { conditions: [passing("config_missing", "no secret")] })] as const;
      }),
    },
  ],
  [
    "what stood in the way of instances that never came",
    { cause: "quota", detail: "no room" },
    {
      seen: [1, 61].map(
        (second) => [second, observed([leaving], { conditions: [passing("quota", "no room")] })] as const,
      ),
    },
  ],
  [
    "a service that somebody removed for good",
    { cause: "drifted", detail: "removed" },
    { seen: [1, 3].map((second) => [second, observed([], { conditions: [passing("drifted", "removed")] })] as const) },
  ],
  [
    "a webhook that can't be called for as long as a start may take",
    { cause: "start_failed" },
    {
      seen: [1, 61].map(
        (second) => [second, observed([old("o1")], { conditions: [passing("start_failed")] })] as const,
      ),
    },
  ],
  [
    "an unschedulable instance, once it lasts",
    { cause: "unschedulable" },
    {
      seen: [
        [1, observed([], { conditions: [condition("unschedulable")] })],
        [3, observed([], { conditions: [condition("unschedulable")] })],
      ],
    },
  ],
  [
    "an unschedulable instance on the way back, once it has lasted for as long as a start may take",
    { cause: "unschedulable" },
    {
      isLast: true,
      seen: [
        [1, observed([], { conditions: [condition("unschedulable")] })],
        [61, observed([], { conditions: [condition("unschedulable")] })],
      ],
    },
  ],
  [
    "an engine that rolled back",
    { cause: "engine_rolled_back" },
    { seen: [[1, observed([old("o1")], { conditions: [condition("engine_rolled_back")] })]] },
  ],
  [
    "the reason before the engine's reaction to it",
    { cause: "oom_killed" },
    {
      seen: [
        [
          1,
          observed([unready("1", { state: "exited", lastExit: { code: 137, oomKilled: true } })], {
            conditions: [condition("engine_paused")],
          }),
        ],
      ],
    },
  ],
  [
    "the one tolerated crash at which the engine stopped",
    { cause: "exited", detail: expect.stringContaining("exit code 1; ") },
    {
      seen: [
        [
          1,
          observed([unready("1", { state: "exited", ...exit(1) }, { phase: "history", endedBy: "self" }), old("o1")], {
            conditions: [condition("engine_paused")],
          }),
        ],
      ],
    },
  ],
  [
    "a condition that went away and came again",
    { cause: "quota" },
    {
      before: observed([old("o1")], { conditions: [condition("quota")] }),
      seen: [
        [1, observed([old("o1")])],
        [2, observed([old("o1")], { conditions: [condition("quota")] })],
      ],
    },
  ],
  [
    "a probe that passed and fails",
    { cause: "probe_failed", detail: "http GET /healthz: 503" },
    {
      seen: [
        [1, withProbes(observed([instance("1")]), probe("passing"))],
        [2, withProbes(observed([instance("1")]), probe("failing"))],
      ],
    },
  ],
  [
    "a probe that passed with the old release and fails beside it",
    { cause: "probe_failed" },
    {
      before: withProbes(BEFORE, probe("passing")),
      expect: "ready",
      seen: [[1, withProbes(observed([old("o1"), instance("1")]), probe("failing"))]],
    },
  ],
  [
    "a probe of an instance that never passes",
    { cause: "probe_failed", instance: "web-1" },
    {
      seen: [
        [1, withProbes(observed([instance("1")]), probe("failing", { instance: "1" }))],
        [61, withProbes(observed([instance("1")]), probe("failing", { instance: "1" }))],
      ],
    },
  ],
  [
    "a probe of the service that never passes",
    { cause: "probe_failed" },
    {
      seen: [
        [1, withProbes(observed([instance("1")]), probe("waiting"))],
        [61, withProbes(observed([instance("1")]), probe("waiting"))],
      ],
    },
  ],
];

describe("signs of the engine, of time and of probes", () => {
  it.each(CASES)("%s", (_, cause, one) => {
    expect(verdictOf(one)).toMatchObject({ kind: "failed", cause: { service: "web", ...cause } });
  });
});
