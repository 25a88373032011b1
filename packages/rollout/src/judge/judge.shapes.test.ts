import type { CauseDetail, ContainerState, Instance, Observation } from "@belay/core";
import { describe, expect, it } from "vitest";
import { condition, container, instance, observed, old, probe, unready, withProbes } from "../testing/observations.ts";
import { type Case, exit, verdictOf } from "../testing/verdict-of.ts";

/** Swarm replaces a task: another id in the same slot, `restarts` stays 0, the dead one is listed as history. */
function task(id: string, change: Partial<ContainerState> = {}, more: Partial<Instance> = {}): Instance {
  const ended = change.state === "exited";
  return unready(id, change, {
    slot: "1",
    title: `web.1.${id}`,
    ...(ended && { phase: "history", endedBy: "self" }),
    ...more,
  });
}

/** Kubernetes restarts in place, in a pod with more than one container. */
function pod(main: Partial<ContainerState>, ready = false, others: readonly ContainerState[] = []): Instance {
  const init = container({ name: "init", role: "init", state: "exited", ...exit(0) });
  const sidecar = container({ name: "proxy", role: "sidecar" });
  return instance("p", { title: "web-5f7-abcde", ready, containers: [init, container(main), sidecar, ...others] });
}

const DEAD = { state: "exited", ...exit(1) } as const;
const waiting = { state: "waiting", reason: "CreateContainerConfigError" } as const;
const at = (...seen: [second: number, observation: Observation][]): Pick<Case, "seen"> => ({ seen });
const beside = (...instances: Instance[]): Observation => observed([old("o1"), ...instances]);

const FAILED: [name: string, cause: Partial<CauseDetail>, one: Case][] = [
  [
    "Swarm: two tasks of one slot crashed, the second before anybody saw it run",
    { cause: "crash_loop", detail: "exit code 1, 2 crashes", instance: "web.1.b" },
    at([1, beside(task("a", DEAD), task("b"))], [2, beside(task("a", DEAD), task("b", DEAD), task("c"))]),
  ],
  [
    "Swarm: a crash whose task was forgotten since still counts",
    { cause: "crash_loop" },
    at([1, beside(task("a", DEAD))], [2, beside(task("b"))], [3, beside(task("b", DEAD))]),
  ],
  [
    "Swarm: history of an earlier attempt beside the first crash of this one",
    { cause: "crash_loop", detail: "exit code 1, 1 crash" },
    {
      crashes: 1,
      before: observed([old("o1"), task("x", DEAD), task("y", DEAD)]),
      ...at([1, observed([old("o1"), task("x", DEAD), task("y", DEAD), task("a", DEAD)])]),
    },
  ],
  [
    "Swarm: a task that its health check ended",
    { cause: "unhealthy", instance: "web.1.a" },
    at([1, beside(task("a", { ...DEAD, health: "unhealthy" }, { phase: "history", endedBy: "engine" }))]),
  ],
  [
    "Swarm: a pending task that no node takes",
    { cause: "unschedulable", detail: "no suitable node" },
    at(
      [1, observed([old("o1")], { conditions: [condition("unschedulable", "no suitable node")] })],
      [3, observed([old("o1")], { conditions: [condition("unschedulable", "no suitable node")] })],
    ),
  ],
  [
    "Swarm: the engine paused the update, and nothing else tells why",
    { cause: "engine_paused" },
    at([1, observed([old("o1")], { conditions: [condition("engine_paused")] })]),
  ],
  [
    "Kubernetes: restarts in place",
    { cause: "crash_loop", detail: "exit code 3, 2 crashes" },
    at([1, beside(pod({ restarts: 1, ...exit(3) }))], [2, beside(pod({ restarts: 2, ...exit(3) }))]),
  ],
  [
    "Kubernetes: an init container that crashes again and again",
    { cause: "crash_loop" },
    at([
      1,
      beside(
        instance("p", {
          ready: false,
          containers: [
            container({
              name: "init",
              role: "init",
              state: "waiting",
              reason: "CrashLoopBackOff",
              restarts: 1,
              ...exit(1),
            }),
            container({ state: "waiting", reason: "PodInitializing" }),
          ],
        }),
      ),
    ]),
  ],
  [
    "Kubernetes: a sidecar that crashes again and again while the rest is well",
    { cause: "crash_loop" },
    at([1, beside(pod({}, true, [container({ name: "log", role: "sidecar", restarts: 2, ...exit(1) })]))]),
  ],
  [
    "Kubernetes: a quota that lets no pod come to be",
    { cause: "quota", detail: "exceeded quota: pods" },
    at([1, observed([old("o1")], { conditions: [condition("quota", "exceeded quota: pods")] })]),
  ],
  [
    "Kubernetes: a liveness kill, though the container runs again",
    { cause: "unhealthy", detail: "the engine killed web-5f7-abcde because its liveness probe failed" },
    { crashes: 9, ...at([1, beside(pod({ restarts: 1, ...exit(137, { killedBy: "liveness probe" }) }, true))]) },
  ],
  [
    "Kubernetes: a start-up kill",
    { cause: "startup_killed" },
    { crashes: 9, ...at([1, beside(pod({ restarts: 1, ...exit(143, { killedBy: "startup probe" }) }))]) },
  ],
  [
    "Kubernetes: readiness lost after it was ready",
    { cause: "readiness_lost" },
    at([1, beside(pod({}, true))], [2, beside(pod({}))]),
  ],
  [
    "Kubernetes: a key that its config lacks",
    { cause: "config_missing", detail: "CreateContainerConfigError: couldn't find key PORT in ConfigMap shop/web" },
    at([1, beside(pod({ ...waiting, message: "couldn't find key PORT in ConfigMap shop/web" }))]),
  ],
  [
    "Kubernetes: a wait that the engine gives no sentence for",
    { cause: "config_missing", detail: "CreateContainerConfigError" },
    at([1, beside(pod(waiting))]),
  ],
  [
    "Compose: restarts in place of one container",
    { cause: "crash_loop" },
    at(
      [1, beside(unready("1", { restarts: 1, ...exit(1) }))],
      [2, beside(unready("1", { state: "restarting", restarts: 2, ...exit(1) }))],
    ),
  ],
  [
    "Compose: the wrong command",
    { cause: "start_failed" },
    at([1, beside(unready("1", { state: "exited", ...exit(127, { error: 'exec: "nope": not found' }) }))]),
  ],
  [
    "Compose: a probe through the proxy that passed with the old and fails with the new",
    { cause: "probe_failed" },
    at(
      [1, withProbes(beside(instance("1")), probe("passing"))],
      [2, withProbes(observed([instance("1")]), probe("failing"))],
    ),
  ],
];

describe("signs as each engine shows them", () => {
  it.each(FAILED)("%s", (_, cause, one) => {
    expect(verdictOf(one)).toMatchObject({ kind: "failed", cause: { service: "web", ...cause } });
  });
});

const NOT_DECISIVE: [name: string, one: Case][] = [
  ["Swarm: the first crash of two that are tolerated", at([1, beside(task("a", DEAD), task("b"))])],
  [
    "Swarm: tasks that the update ended, one after the other",
    {
      crashes: 1,
      ...at([1, beside(task("a", { ...DEAD, ...exit(143) }, { phase: "history", endedBy: "engine" }), task("b"))]),
    },
  ],
  [
    "Swarm: a drained node took its tasks along",
    { crashes: 1, ...at([1, beside(task("a", DEAD, { endedBy: "node" }), task("b"))]) },
  ],
  [
    "Swarm: what earlier attempts left in the slot, whatever it was",
    {
      crashes: 1,
      before: observed([
        old("o1"),
        task("x", { ...DEAD, health: "unhealthy", lastExit: { code: 137, oomKilled: true } }),
      ]),
      ...at([
        1,
        observed([old("o1"), task("x", { ...DEAD, health: "unhealthy", lastExit: { code: 137, oomKilled: true } })]),
      ]),
    },
  ],
  [
    "Kubernetes: seven readiness failures before the first success",
    at(...[1, 2, 3, 4, 5, 6, 7].map((second): [number, Observation] => [second, beside(pod({}))])),
  ],
  [
    "Kubernetes: containers that wait for their turn",
    at(
      [1, beside(pod({ state: "waiting", reason: "PodInitializing" }))],
      [9, beside(pod({ state: "waiting", reason: "ContainerCreating" }))],
    ),
  ],
  [
    "Kubernetes: a kill of days ago",
    {
      crashes: 1,
      before: observed([pod({ restarts: 3, ...exit(137, { killedBy: "liveness probe" }) })]),
      ...at([1, beside(pod({ restarts: 3, ...exit(137, { killedBy: "liveness probe" }) }))]),
    },
  ],
  [
    "Compose: a one-shot beside it that is done",
    at([1, observed([unready("1", { state: "exited", ...exit(0) })], { goal: "complete", desired: 2 })]),
  ],
];

describe("what does not decide, as each engine shows it", () => {
  it.each(NOT_DECISIVE)("%s", (_, one) => {
    expect(verdictOf(one)).toMatchObject({ kind: "progressing" });
  });
});

const CONVERGED: [name: string, one: Case][] = [
  [
    "Swarm: dead tasks of earlier days in the slot",
    at([1, observed([task("b", {}, { ready: true }), old("x", { phase: "history", ready: false })])]),
  ],
  ["Kubernetes: a pod whose init container is done", at([1, observed([pod({}, true)])])],
  [
    "Kubernetes: ready at last after many failures",
    at([1, observed([pod({})])], [30, observed([pod({})])], [31, observed([pod({}, true)])]),
  ],
];

describe("converged, as each engine shows it", () => {
  it.each(CONVERGED)("%s", (_, one) => {
    expect(verdictOf(one)).toEqual({ kind: "converged" });
  });
});
