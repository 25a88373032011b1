import type { CauseDetail, Observation } from "@belay/core";
import { describe, expect, it } from "vitest";
import { condition, container, instance, observed, old, probe, unready, withProbes } from "../testing/observations.ts";
import { BEFORE, type Case, exit, verdictOf } from "../testing/verdict-of.ts";

const at = (...seen: [second: number, observation: Observation][]): Pick<Case, "seen"> => ({ seen });
/** Seen when something happened, and again when all patience with it is over. */
const lasting = (shown: Observation): Pick<Case, "seen"> => at([1, shown], [61, shown]);
const pod = (...containers: Parameters<typeof container>[0][]) =>
  instance("1", { ready: false, containers: containers.map((one) => container(one)) });

describe("a container waits for a reason that decides", () => {
  it.each([
    ["ErrImagePull", "image_unavailable"],
    ["ImagePullBackOff", "image_unavailable"],
    ["ErrImageNeverPull", "image_unavailable"],
    ["InvalidImageName", "image_unavailable"],
    ["CreateContainerConfigError", "config_missing"],
    ["CreateContainerError", "start_failed"],
    ["RunContainerError", "start_failed"],
    ["StartError", "start_failed"],
    ["ContainerCannotRun", "start_failed"],
  ])("%s: %s", (reason, cause) => {
    const found = verdictOf(at([1, observed([unready("1", { state: "waiting", reason, message: "" })])]));
    expect(found).toStrictEqual({
      kind: "failed",
      cause: { cause, service: "web", instance: "web-1", detail: reason },
    });
  });
});

const SAID: [name: string, cause: Omit<CauseDetail, "service">, one: Case][] = [
  [
    "an OOM kill",
    { cause: "oom_killed", instance: "web-1", detail: "exit code 137" },
    at([1, observed([unready("1", { state: "exited", lastExit: { code: 137, oomKilled: true } })])]),
  ],
  [
    "a health check that failed",
    { cause: "unhealthy", instance: "web-1", detail: "the health check of web-1 failed" },
    at([1, observed([unready("1", { health: "unhealthy" })])]),
  ],
  [
    "crashes whose exit code nobody knows",
    { cause: "crash_loop", instance: "web-1", detail: "2 crashes" },
    at([1, observed([unready("1", { state: "restarting", restarts: 2 })])]),
  ],
  [
    "a tolerated crash without an exit code, at which the engine stopped",
    { cause: "exited", instance: "web-1", detail: "in the engine's words" },
    at([1, observed([unready("1", { state: "exited" }), old("o1")], { conditions: [condition("engine_paused")] })]),
  ],
  [
    "the last of the tolerated crashes at which the engine stopped",
    { cause: "exited", instance: "web-2", detail: "exit code 2; in the engine's words" },
    at([
      1,
      observed(
        [1, 2].map((id) => unready(`${id}`, { state: "exited", ...exit(id) })),
        {
          conditions: [condition("engine_paused")],
        },
      ),
    ]),
  ],
  [
    "a tolerated crash for which the engine went back",
    { cause: "exited", instance: "web-1", detail: "exit code 3; in the engine's words" },
    at([
      1,
      observed([unready("1", { state: "exited", ...exit(3) }), old("o1")], {
        conditions: [condition("engine_rolled_back")],
      }),
    ]),
  ],
  [
    "a one-shot that ended nobody knows how",
    { cause: "exited", instance: "web-1" },
    { crashes: 9, ...at([1, observed([unready("1", { state: "exited" })], { goal: "complete" })]) },
  ],
  [
    "a container that ended beside one that initialises and crashed",
    { cause: "exited", instance: "web-1", detail: "exit code 0" },
    lasting(
      observed([
        pod(
          { name: "init", role: "init", state: "exited", ...exit(1) },
          { name: "log", role: "sidecar", state: "exited", ...exit(0) },
        ),
      ]),
    ),
  ],
  [
    "readiness lost",
    { cause: "readiness_lost", instance: "web-1", detail: "web-1 was ready before" },
    at([1, observed([instance("1")])], [2, observed([unready("1")])]),
  ],
  [
    "a probe of the service",
    { cause: "probe_failed", detail: "http GET /healthz: 503" },
    at(
      [1, withProbes(observed([instance("1")]), probe("passing"))],
      [2, withProbes(observed([instance("1")]), probe("failing"))],
    ),
  ],
  [
    "a probe, while one of those with which it passed serves",
    { cause: "probe_failed", detail: "http GET /healthz: 503" },
    {
      before: withProbes(observed([old("o1"), old("o2")]), probe("passing")),
      expect: "ready",
      ...at([1, withProbes(observed([old("o2"), instance("1")]), probe("failing"))]),
    },
  ],
  [
    "a probe that passed while both served, and fails with the new ones alone",
    { cause: "probe_failed", detail: "http GET /healthz: 503" },
    {
      before: withProbes(BEFORE, probe("passing")),
      ...at(
        [1, withProbes(observed([old("o1"), instance("1")]), probe("passing"))],
        [2, withProbes(observed([instance("1")]), probe("passing", { outdated: true }))],
        [5, withProbes(observed([instance("1")]), probe("failing"))],
      ),
    },
  ],
  [
    "a probe of an instance that it passed at before, whatever the engine says of that one",
    { cause: "probe_failed", instance: "web-1", detail: "http GET /healthz: 503" },
    at(
      [1, withProbes(observed([unready("1")]), probe("passing", { instance: "1" }))],
      [2, withProbes(observed([unready("1")]), probe("failing", { instance: "1" }))],
    ),
  ],
  [
    "a start that takes too long, by the container that is not up",
    { cause: "start_timeout", instance: "web-1", detail: "not ready after 60 s: waiting, ContainerCreating, pulling" },
    lasting(observed([pod({}, { name: "proxy", state: "waiting", reason: "ContainerCreating", message: "pulling" })])),
  ],
  [
    "a start that takes too long, without any container yet",
    { cause: "start_timeout", instance: "web-1", detail: "not ready after 60 s" },
    lasting(observed([pod()])),
  ],
  [
    "missing instances",
    { cause: "instance_missing", detail: "1 of 3 exist, and no new one came for 60 s" },
    lasting(observed([instance("1")], { desired: 3 })),
  ],
];

describe("what a cause says", () => {
  it.each(SAID)("%s", (_name, cause, one) => {
    expect(verdictOf(one)).toStrictEqual({ kind: "failed", cause: { service: "web", ...cause } });
  });
});

const beside = (...instances: Parameters<typeof observed>[0]): Observation => observed([old("o1"), ...instances]);
const oneShot = (...instances: Parameters<typeof observed>[0]): Observation =>
  observed(instances, { goal: "complete", desired: 2 });

const NOTHING: [name: string, one: Case][] = [
  [
    "a reason that was left behind by a container that runs",
    at([1, beside(unready("1", { restarts: 1, reason: "ErrImagePull" }))]),
  ],
  [
    "a start that failed once, of a container that runs",
    at([1, beside(unready("1", { restarts: 1, ...exit(127, { error: "exec: not found" }) }))]),
  ],
  [
    "a container that ended well with its node, and was replaced",
    lasting(beside(unready("1", { state: "exited", ...exit(0) }, { endedBy: "node", phase: "history" }))),
  ],
  [
    "a one-shot that its node or its engine ended",
    at([
      1,
      oneShot(
        unready("1", { state: "exited", ...exit(137) }, { endedBy: "node" }),
        unready("2", { state: "exited", ...exit(143) }, { endedBy: "engine" }),
      ),
    ]),
  ],
  [
    "a tolerated crash of an instance that was replaced, however long ago",
    lasting(beside(unready("1", { state: "exited", ...exit(1) }, { endedBy: "self", phase: "history" }))),
  ],
  [
    "an instance that was ready until its engine ended it",
    at([1, beside(instance("1"))], [2, beside(unready("1", {}, { phase: "history", endedBy: "engine" }))]),
  ],
  ["a one-shot that is no longer ready", at([1, oneShot(instance("1"))], [2, oneShot(unready("1"))])],
  [
    "a tolerated restart after which it is ready again",
    at([1, beside(instance("1"))], [2, beside(instance("1", { containers: [container({ restarts: 1 })] }))]),
  ],
  [
    "an instance out of service that never was ready",
    lasting(beside(unready("1", {}, { phase: "history", endedBy: "engine" }))),
  ],
  [
    "a probe that passed with instances that are only listed any more",
    {
      before: withProbes(BEFORE, probe("passing")),
      ...at([1, withProbes(observed([old("o1", { phase: "history" }), instance("1")]), probe("failing"))]),
    },
  ],
  [
    "a probe that passed with those before alone",
    {
      before: withProbes(BEFORE, probe("passing")),
      ...at(
        [1, withProbes(observed([instance("1")]), probe("passing", { outdated: true }))],
        [5, withProbes(observed([instance("1")]), probe("failing"))],
      ),
    },
  ],
  [
    "a probe that waits although it passed before",
    {
      before: withProbes(BEFORE, probe("passing")),
      expect: "ready",
      ...at([1, withProbes(beside(instance("1")), probe("waiting"))]),
    },
  ],
];

describe("what says nothing yet", () => {
  it.each(NOTHING)("%s", (_name, one) => {
    expect(verdictOf(one)).toMatchObject({ kind: "progressing" });
  });

  it("a container that ended with its node while the instance is still listed", () => {
    const gone = unready("1", { state: "exited", ...exit(0) }, { endedBy: "node" });
    expect(verdictOf(at([1, beside(gone)], [9, beside(gone)]))).toMatchObject({ kind: "progressing" });
  });
});
