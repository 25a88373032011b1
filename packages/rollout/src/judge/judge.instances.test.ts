import type { CauseDetail } from "@belay/core";
import { describe, expect, it } from "vitest";
import { container, instance, observed, old, unready } from "../testing/observations.ts";
import { type Case, exit, verdictOf } from "../testing/verdict-of.ts";

const SIDECAR = container({ name: "log", role: "sidecar", state: "exited", ...exit(0) });
const INIT = container({ name: "init", role: "init", state: "exited", ...exit(0) });

const CASES: [name: string, cause: Partial<CauseDetail>, one: Case][] = [
  [
    "a crash counted by restarts",
    { cause: "crash_loop", detail: "exit code 1, 2 crashes" },
    { seen: [[1, observed([unready("1", { state: "restarting", restarts: 2, ...exit(1) })])]] },
  ],
  [
    "a crash counted by replaced instances of one slot",
    { cause: "crash_loop" },
    {
      seen: [
        [
          1,
          observed([unready("a", { state: "exited", ...exit(1) }, { slot: "1", phase: "history", endedBy: "self" })]),
        ],
        [
          2,
          observed([unready("b", { state: "exited", ...exit(1) }, { slot: "1", phase: "history", endedBy: "self" })]),
        ],
      ],
    },
  ],
  [
    "a crash while Kubernetes backs off",
    { cause: "crash_loop" },
    {
      seen: [[1, observed([unready("1", { state: "waiting", reason: "CrashLoopBackOff", restarts: 1, ...exit(3) })])]],
    },
  ],
  [
    "the first crash when one is enough",
    { cause: "crash_loop", detail: "exit code 1, 1 crash" },
    { crashes: 1, seen: [[1, observed([unready("1", { state: "exited", ...exit(1) })])]] },
  ],
  [
    "crashes of an instance that stood before, from begin on",
    { cause: "crash_loop" },
    {
      before: observed([instance("1", { containers: [container({ restarts: 7 })] })]),
      seen: [[1, observed([unready("1", { restarts: 9, ...exit(1) })])]],
    },
  ],
  [
    "crashes after the engine began to count anew",
    { cause: "crash_loop" },
    {
      before: observed([unready("1", { state: "exited", restarts: 7, ...exit(1) })]),
      seen: [
        [1, observed([instance("1")])],
        [2, observed([unready("1", { restarts: 2, ...exit(1) })])],
      ],
    },
  ],
  [
    "an exit with 0 that is not restarted",
    { cause: "exited", detail: "exit code 0" },
    {
      seen: [
        [1, observed([unready("1", { state: "exited", ...exit(0) })])],
        [3, observed([unready("1", { state: "exited", ...exit(0) })])],
      ],
    },
  ],
  [
    "a one-shot that ends with another code",
    { cause: "exited", detail: "exit code 2" },
    { crashes: 9, seen: [[1, observed([unready("1", { state: "exited", ...exit(2) })], { goal: "complete" })]] },
  ],
  [
    "a one-shot that fails once, where one crash is enough",
    { cause: "exited", detail: "exit code 2, 1 crash" },
    { crashes: 1, seen: [[1, observed([unready("1", { state: "exited", ...exit(2) })], { goal: "complete" })]] },
  ],
  [
    "a one-shot that is restarted in place, where one crash is enough",
    { cause: "exited", detail: "exit code 1, 1 crash" },
    {
      crashes: 1,
      seen: [[1, observed([unready("1", { state: "restarting", restarts: 1, ...exit(1) })], { goal: "complete" })]],
    },
  ],
  [
    "a one-shot that fails again and again",
    { cause: "crash_loop", detail: "exit code 1, 2 crashes" },
    {
      crashes: 2,
      seen: [[1, observed([unready("1", { state: "restarting", restarts: 2, ...exit(1) })], { goal: "complete" })]],
    },
  ],
  [
    "an OOM kill",
    { cause: "oom_killed" },
    {
      crashes: 9,
      seen: [[1, observed([unready("1", { state: "exited", lastExit: { code: 137, oomKilled: true } })])]],
    },
  ],
  [
    "an OOM kill that was restarted since",
    { cause: "oom_killed" },
    {
      crashes: 9,
      seen: [
        [
          1,
          observed([
            instance("1", { containers: [container({ restarts: 1, lastExit: { code: 137, oomKilled: true } })] }),
          ]),
        ],
      ],
    },
  ],
  [
    "an OOM kill of a sidecar",
    { cause: "oom_killed" },
    {
      crashes: 9,
      seen: [
        [
          1,
          observed([
            instance("1", {
              containers: [
                container(),
                container({ name: "s", role: "sidecar", state: "exited", lastExit: { code: 137, oomKilled: true } }),
              ],
            }),
          ]),
        ],
      ],
    },
  ],
  [
    "a health check that failed",
    { cause: "unhealthy" },
    { seen: [[1, observed([unready("1", { health: "unhealthy" })])]] },
  ],
  [
    "a health check that failed although the engine says ready",
    { cause: "unhealthy" },
    { seen: [[1, observed([instance("1", { containers: [container({ health: "unhealthy" })] })])]] },
  ],
  [
    "an unhealthy task that was replaced",
    { cause: "unhealthy" },
    {
      seen: [
        [
          1,
          observed([
            unready(
              "1",
              { health: "unhealthy", state: "exited", ...exit(143) },
              { phase: "history", endedBy: "engine" },
            ),
          ]),
        ],
      ],
    },
  ],
  [
    "readiness lost",
    { cause: "readiness_lost" },
    {
      seen: [
        [1, observed([instance("1"), old("o1")])],
        [2, observed([unready("1"), old("o1")])],
      ],
    },
  ],
  [
    "readiness lost beside an init container that has done its work",
    { cause: "readiness_lost" },
    {
      seen: [
        [1, observed([instance("1", { containers: [container(), INIT] })])],
        [2, observed([instance("1", { ready: false, containers: [container(), INIT] })])],
      ],
    },
  ],
  [
    "a sidecar that ended while the rest runs on",
    { cause: "exited", detail: "exit code 0" },
    {
      seen: [1, 3].map(
        (second) => [second, observed([instance("1", { containers: [container(), SIDECAR] })])] as const,
      ),
    },
  ],
  [
    "exits with 0 again and again of what should keep running",
    { cause: "crash_loop", detail: "exit code 0, 2 crashes" },
    {
      seen: [
        [
          1,
          observed(
            ["a", "b"].map((id) =>
              unready(id, { state: "exited", ...exit(0) }, { slot: "1", phase: "history", endedBy: "self" }),
            ),
          ),
        ],
      ],
    },
  ],
  [
    "readiness lost that stood at begin",
    { cause: "readiness_lost" },
    { before: observed([instance("1")]), seen: [[1, observed([unready("1")])]] },
  ],
];

describe("signs that instances give", () => {
  it.each(CASES)("%s", (_, cause, one) => {
    expect(verdictOf(one)).toMatchObject({ kind: "failed", cause: { service: "web", ...cause } });
  });
});
