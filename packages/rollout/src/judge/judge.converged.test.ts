import { describe, expect, it } from "vitest";
import { container, instance, observed, old, passing, probe, unready, withProbes } from "../testing/observations.ts";
import { BEFORE, type Case, exit, verdictOf, waitingOf } from "../testing/verdict-of.ts";

const CASES: [name: string, one: Case][] = [
  [
    "when the wanted number is ready and alone",
    { seen: [[1, observed([instance("1"), instance("2")], { desired: 2 })]] },
  ],
  ["with others, when only ready is asked for", { expect: "ready", seen: [[1, observed([instance("1"), old("o1")])]] }],
  [
    "with draining ones: they don't serve",
    { seen: [[1, observed([instance("1"), old("o1", { phase: "draining" })])]] },
  ],
  ["with more than wanted: an autoscaler's", { seen: [[1, observed([instance("1"), instance("2")])]] }],
  [
    "with a complaint that may pass, when nothing is missing",
    { seen: [[1, observed([instance("1")], { conditions: [passing("quota")] })]] },
  ],
  ["when none is wanted and none is there", { seen: [[1, observed([], { desired: 0 })]] }],
  [
    "when a one-shot ended with 0",
    { seen: [[1, observed([unready("1", { state: "exited", ...exit(0) })], { goal: "complete" })]] },
  ],
  [
    "when a one-shot ended with 0, however few crashes are tolerated",
    { crashes: 1, seen: [[1, observed([unready("1", { state: "exited", ...exit(0) })], { goal: "complete" })]] },
  ],
  [
    "when a one-shot ended with 0 and was put away",
    {
      seen: [
        [1, observed([unready("1", { state: "exited", ...exit(0) }, { phase: "history" })], { goal: "complete" })],
      ],
    },
  ],
  [
    "when a tolerated crash was survived",
    {
      seen: [
        [1, observed([unready("1", { restarts: 1, ...exit(1) })])],
        [2, observed([instance("1", { containers: [container({ restarts: 1, ...exit(1) })] })])],
      ],
    },
  ],
  [
    "when all probes pass",
    { seen: [[1, withProbes(observed([instance("1")]), probe("passing"), probe("passing", { instance: "1" }))]] },
  ],
  [
    "in a stage before it serves, with a probe of the service that failed before",
    {
      expect: "ready",
      before: withProbes(BEFORE, probe("failing")),
      seen: [1, 90].map(
        (second) => [second, withProbes(observed([instance("1"), old("o1")]), probe("failing"))] as const,
      ),
    },
  ],
  [
    "after the stable window",
    {
      stable: true,
      seen: [
        [1, observed([instance("1")])],
        [6, observed([instance("1")])],
      ],
    },
  ],
];

describe("converged", () => {
  it.each(CASES)("%s", (_, one) => {
    expect(verdictOf(one)).toEqual({ kind: "converged" });
  });
});

const WAITING: [name: string, waitsFor: RegExp, one: Case][] = [
  ["one too few", /1 of 2 instances ready/, { seen: [[1, observed([instance("1")], { desired: 2 })]] }],
  ["same digest, other revision", /0 of 1 instances ready/, { seen: [[1, observed([old("o1")])]] }],
  ["an old one serves", /1 other instances to stop/, { seen: [[1, observed([instance("1"), old("o1")])]] }],
  ["a surplus one is not ready", /web-2 is not ready/, { seen: [[1, observed([instance("1"), unready("2")])]] }],
  [
    "one is there though none is wanted",
    /1 other instances/,
    { seen: [[1, observed([instance("1")], { desired: 0 })]] },
  ],
  [
    "a one-shot still runs",
    /0 of 1 instances complete/,
    { seen: [[1, observed([instance("1")], { goal: "complete" })]] },
  ],
  ["a probe waits", /http GET/, { seen: [[1, withProbes(observed([instance("1")]), probe("waiting"))]] }],
  [
    "a probe passed, but with those that served before",
    /http GET/,
    { seen: [[1, withProbes(observed([instance("1")]), probe("passing", { outdated: true }))]] },
  ],
  [
    "an instance was not asked yet",
    /web-2 was not asked yet/,
    { seen: [[1, withProbes(observed([instance("1"), instance("2")]), probe("passing", { instance: "1" }))]] },
  ],
  [
    "the window is not over",
    /must stay so for 0\.1 s more/,
    {
      stable: true,
      seen: [
        [1, observed([instance("1")])],
        [5.9, observed([instance("1")])],
      ],
    },
  ],
  [
    "the window was broken by a wait",
    /for 5\.0 s more/,
    {
      stable: true,
      seen: [
        [1, observed([instance("1")])],
        [3, observed([instance("1"), old("o")])],
        [6, observed([instance("1")])],
      ],
    },
  ],
  [
    "the window was broken by a restart that nobody saw",
    /for 5\.0 s more/,
    {
      stable: true,
      seen: [
        [1, observed([instance("1")])],
        [6, observed([instance("1", { containers: [container({ restarts: 1 })] })])],
      ],
    },
  ],
  [
    "the window was broken by another instance",
    /for 5\.0 s more/,
    {
      stable: true,
      seen: [
        [1, observed([instance("1")])],
        [6, observed([instance("2")])],
      ],
    },
  ],
  [
    "a probe that passed before must pass again, also before it serves",
    /http GET/,
    {
      expect: "ready",
      before: withProbes(BEFORE, probe("passing")),
      seen: [[1, withProbes(observed([instance("1"), old("o1")]), probe("waiting"))]],
    },
  ],
  [
    "one of a one-shot's two containers still runs",
    /0 of 1 instances complete/,
    {
      seen: [
        [
          1,
          observed(
            [unready("1", {}, { containers: [container({ state: "exited", ...exit(0) }), container({ name: "b" })] })],
            {
              goal: "complete",
            },
          ),
        ],
      ],
    },
  ],
  [
    "an instance has no container yet",
    /0 of 1 instances complete/,
    { seen: [[1, observed([instance("1", { containers: [] })], { goal: "complete" })]] },
  ],
  [
    "somebody removed a service, and may make it again in the next moment",
    /web: removed/,
    {
      seen: [1, 2.9].map((second) => [second, observed([], { conditions: [passing("drifted", "removed")] })] as const),
    },
  ],
  [
    "somebody removed a service of which nothing is to run",
    /web: removed/,
    { seen: [[1, observed([], { desired: 0, conditions: [passing("drifted", "removed")] })]] },
  ],
  ["nothing was seen", /first observation/, { seen: [] }],
];

describe("not converged yet", () => {
  it.each(WAITING)("%s", (_, pattern, one) => {
    expect(waitingOf(verdictOf(one)).join("; ")).toMatch(pattern);
  });
});
