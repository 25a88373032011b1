import { describe, expect, it } from "vitest";
import {
  condition,
  container,
  instance,
  observed,
  old,
  passing,
  probe,
  unready,
  withProbes,
} from "../testing/observations.ts";
import { BEFORE, type Case, exit, verdictOf } from "../testing/verdict-of.ts";

const leaving = old("o2", { phase: "draining" });

const CASES: [name: string, one: Case][] = [
  [
    "one crash when two are tolerated",
    { seen: [[1, observed([unready("1", { state: "restarting", restarts: 1, ...exit(1) })])]] },
  ],
  [
    "a quota that has not lasted yet",
    {
      seen: [
        [1, observed([old("o1")], { conditions: [passing("quota")] })],
        [5.9, observed([old("o1")], { conditions: [passing("quota")] })],
      ],
    },
  ],
  [
    "a quota that an instance on its way out still fills, however long that takes",
    {
      seen: [1, 100].map((second) => {
        return [second, observed([old("o1"), leaving], { conditions: [passing("quota")] })] as const;
      }),
    },
  ],
  [
    "a quota that has room again, until the engine's next try",
    {
      seen: [
        [1, observed([old("o1"), leaving], { conditions: [passing("quota")] })],
        [21, observed([old("o1")], { conditions: [passing("quota")] })],
        [40.9, observed([old("o1")], { conditions: [passing("quota")] })],
      ],
    },
  ],
  [
    "a quota on the way back, for as long as a start may take",
    {
      isLast: true,
      seen: [
        [1, observed([old("o1")], { conditions: [passing("quota")] })],
        [60.9, observed([old("o1")], { conditions: [passing("quota")] })],
      ],
    },
  ],
  [
    "a secret that an operator makes a moment later, which the engine sees when it looks again",
    {
      seen: [
        [
          1,
          observed([unready("1", { state: "waiting" })], {
            conditions: [passing("config_missing", "web-1: no secret")],
          }),
        ],
        [
          18.9,
          observed([unready("1", { state: "waiting" })], { conditions: [passing("config_missing", "web-1: none")] }),
        ],
      ],
    },
  ],
  [
    "a webhook that restarts",
    {
      seen: [
        [1, observed([old("o1")], { conditions: [passing("start_failed", "failed calling webhook")] })],
        [60.9, observed([old("o1")], { conditions: [passing("start_failed", "failed calling webhook")] })],
      ],
    },
  ],
  [
    "one crash each of two slots",
    { seen: [[1, observed([unready("1", { restarts: 1, ...exit(1) }), unready("2", { restarts: 1, ...exit(1) })])]] },
  ],
  [
    "one crash each of two containers",
    {
      seen: [
        [
          1,
          observed([
            instance("1", {
              ready: false,
              containers: [container({ restarts: 1, ...exit(1) }), container({ name: "b", restarts: 1, ...exit(1) })],
            }),
          ]),
        ],
      ],
    },
  ],
  [
    "an instance that the engine ended",
    {
      crashes: 1,
      seen: [[1, observed([unready("1", { state: "exited", ...exit(137) }, { phase: "history", endedBy: "engine" })])]],
    },
  ],
  [
    "an instance that its node took along",
    {
      crashes: 1,
      seen: [[1, observed([unready("1", { state: "exited", ...exit(137) }, { phase: "history", endedBy: "node" })])]],
    },
  ],
  [
    "an instance that is drained",
    { crashes: 1, seen: [[1, observed([unready("1", { state: "exited", ...exit(1) }, { phase: "draining" })])]] },
  ],
  [
    "crashes of the old revision",
    {
      crashes: 1,
      seen: [[1, observed([unready("1", { restarts: 9, state: "exited", ...exit(1) }, { revision: "old" })])]],
    },
  ],
  [
    "dead instances of an earlier attempt",
    {
      crashes: 1,
      before: observed([
        unready(
          "d",
          { state: "exited", health: "unhealthy", lastExit: { code: 137, oomKilled: true, at: 5 } },
          { phase: "history" },
        ),
      ]),
      seen: [
        [
          1,
          observed([
            unready(
              "d",
              { state: "exited", health: "unhealthy", lastExit: { code: 137, oomKilled: true, at: 5 } },
              { phase: "history" },
            ),
          ]),
        ],
      ],
    },
  ],
  [
    "a corpse that waits to be started again",
    {
      crashes: 1,
      before: observed([unready("1", { state: "exited", ...exit(1, { at: 5 }) })]),
      seen: [
        [1, observed([unready("1", { state: "exited", ...exit(1, { at: 5 }) })])],
        [5, observed([unready("1", { state: "exited", ...exit(1, { at: 5 }) })])],
      ],
    },
  ],
  [
    "an instance that never was ready",
    {
      seen: [
        [1, observed([unready("1", { health: "starting" })])],
        [60, observed([unready("1", { health: "starting" })])],
      ],
    },
  ],
  [
    "an exit with 0 that may be replaced in a moment",
    {
      seen: [
        [1, observed([unready("1", { state: "exited", ...exit(0) })])],
        [2.9, observed([unready("1", { state: "exited", ...exit(0) })])],
      ],
    },
  ],
  [
    "readiness that a restart took",
    {
      seen: [
        [1, observed([instance("1")])],
        [2, observed([unready("1", { restarts: 1, ...exit(1) })])],
      ],
    },
  ],
  [
    "an init container that ended well",
    {
      crashes: 1,
      seen: [
        [
          1,
          observed([
            instance("1", {
              ready: false,
              containers: [container(), container({ name: "i", role: "init", state: "exited", ...exit(0) })],
            }),
          ]),
        ],
        [
          9,
          observed([
            instance("1", {
              ready: false,
              containers: [container(), container({ name: "i", role: "init", state: "exited", ...exit(0) })],
            }),
          ]),
        ],
      ],
    },
  ],
  [
    "a condition that stood at begin",
    {
      before: observed([old("o1")], { conditions: [condition("engine_paused")] }),
      seen: [[1, observed([old("o1")], { conditions: [condition("engine_paused")] })]],
    },
  ],
  [
    "a node that is full for a moment",
    {
      seen: [
        [1, observed([old("o1")], { conditions: [condition("unschedulable")] })],
        [2, observed([old("o1")], { conditions: [condition("unschedulable")] })],
      ],
    },
  ],
  [
    "an instance that was evicted, whatever the node says of its container",
    {
      crashes: 1,
      seen: [
        [
          1,
          observed([
            unready(
              "1",
              { state: "exited", ...exit(137, { error: "The container could not be located" }) },
              { phase: "history", endedBy: "node" },
            ),
          ]),
        ],
      ],
    },
  ],
  [
    "a node that is missing on the way back",
    {
      isLast: true,
      seen: [
        [1, observed([], { conditions: [condition("unschedulable")] })],
        [50, observed([], { conditions: [condition("unschedulable")] })],
      ],
    },
  ],
  [
    "an instance that was unhealthy before",
    {
      before: observed([unready("1", { health: "unhealthy" })]),
      seen: [[1, observed([unready("1", { health: "unhealthy" })])]],
    },
  ],
  [
    "a probe that failed before begin and may recover",
    {
      before: withProbes(BEFORE, probe("failing")),
      seen: [
        [1, withProbes(observed([instance("1")]), probe("failing"))],
        [60, withProbes(observed([instance("1")]), probe("failing"))],
      ],
    },
  ],
  [
    "a probe after all that it passed with are gone",
    {
      before: withProbes(BEFORE, probe("passing")),
      seen: [[1, withProbes(observed([instance("1")]), probe("failing"))]],
    },
  ],
  [
    "a probe of an old instance",
    {
      seen: [
        [1, withProbes(observed([old("o1"), unready("1")]), probe("passing", { instance: "o1" }))],
        [2, withProbes(observed([old("o1"), unready("1")]), probe("failing", { instance: "o1" }))],
      ],
    },
  ],
  [
    "a slow engine that keeps the old ones until the new come",
    {
      seen: [
        [1, observed([old("o1")])],
        [600, observed([old("o1")])],
      ],
    },
  ],
  [
    "a one-shot of which one part is done and the other still runs",
    {
      seen: [1, 600].map((second) => {
        const done = unready("1", { state: "exited", ...exit(0) }, { phase: "history" });
        return [second, observed([done, unready("2")], { goal: "complete", desired: 2 })] as const;
      }),
    },
  ],
  [
    "a one-shot that is started again after a tolerated failure",
    { seen: [[1, observed([unready("1", { state: "restarting", restarts: 1, ...exit(1) })], { goal: "complete" })]] },
  ],
  [
    "a current instance that the engine ended",
    {
      crashes: 1,
      seen: [1, 9].map(
        (second) =>
          [second, observed([unready("1", { state: "exited", ...exit(143) }, { endedBy: "engine" })])] as const,
      ),
    },
  ],
  [
    "a probe for which instances that were not ready can't vouch",
    {
      seen: [
        [1, withProbes(observed([instance("1"), unready("2", {}, { revision: "old" })]), probe("passing"))],
        [2, withProbes(observed([unready("2", {}, { revision: "old" })]), probe("failing"))],
      ],
    },
  ],
  [
    "a probe that waits while instances are still to come",
    {
      seen: [1, 61].map(
        (second) =>
          [second, withProbes(observed([instance("1"), old("o1")], { desired: 2 }), probe("waiting"))] as const,
      ),
    },
  ],
  [
    "missing instances while new ones keep coming",
    {
      seen: [
        [1, observed([instance("1")], { desired: 3 })],
        [50, observed([instance("1"), instance("2")], { desired: 3 })],
        [100, observed([instance("1"), instance("2")], { desired: 3 })],
      ],
    },
  ],
  [
    "readiness that went with a sidecar's tolerated crash",
    {
      seen: [
        [1, observed([instance("1")])],
        [
          2,
          observed([
            instance("1", {
              ready: false,
              containers: [container(), container({ name: "log", role: "sidecar", state: "exited", ...exit(1) })],
            }),
          ]),
        ],
      ],
    },
  ],
  [
    "readiness that went with the engine, which started the container again without counting it",
    {
      seen: [
        [1, observed([instance("1")])],
        [2, observed([unready("1", { health: "starting" })])],
        [3, observed([unready("1")])],
      ],
    },
  ],
  [
    "a one-shot that runs for long",
    {
      seen: [
        [1, observed([unready("1")], { goal: "complete" })],
        [600, observed([unready("1")], { goal: "complete" })],
      ],
    },
  ],
];

describe("what does not decide", () => {
  it.each(CASES)("%s", (_, one) => {
    expect(verdictOf(one)).toMatchObject({ kind: "progressing" });
  });
});
