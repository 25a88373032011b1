import type { ContainerState, Instance, ObservedService, ProbeReading } from "@belay/core";
import { describe, expect, it } from "vitest";
import { container, instance } from "../testing/observations.ts";
import { isSameInstance, isSameState } from "./same-instance.ts";
import { isSameService, type ShownService } from "./same-service.ts";

const exit = { code: 1, oomKilled: false, at: 5, error: "no such file" };
const ended: ContainerState = { ...container({ state: "exited", restarts: 1 }), reason: "Error", lastExit: exit };
const one: Instance = { ...instance("a", { containers: [ended] }), endedBy: "self" };

function containing(change: Partial<ContainerState>): Instance {
  return { ...one, containers: [{ ...ended, ...change }] };
}

describe("two looks at an instance", () => {
  it("are the same when a copy shows the same", () => {
    expect(isSameInstance(one, structuredClone(one))).toBe(true);
    const running = instance("b", { containers: [container({})] });
    expect(isSameInstance(running, structuredClone(running))).toBe(true);
    expect(isSameInstance(one, one)).toBe(true);
  });

  it("are not looked into when it is the same object, or the same part of it", () => {
    const shut = <T extends object>(kept: T): T =>
      new Proxy(kept, {
        get: () => {
          throw new Error("it was looked into");
        },
      });
    const closed = shut(one);
    expect(isSameInstance(closed, closed)).toBe(true);
    const list = shut([ended]);
    expect(isSameInstance({ ...one, containers: list }, { ...one, containers: list })).toBe(true);
    const lastExit = shut(exit);
    expect(isSameInstance(containing({ lastExit }), containing({ lastExit }))).toBe(true);
    const member = shut(ended);
    expect(isSameInstance({ ...one, containers: [member] }, { ...one, containers: [member] })).toBe(true);
  });

  it("are the same whatever differs that no rule asks for", () => {
    const moved = {
      ...one,
      node: "other",
      createdAt: 9,
      containers: [{ ...ended, digests: [`sha256:${"a".repeat(64)}`] }],
    };
    expect(isSameInstance(one, moved as Instance)).toBe(true);
  });

  it.each<[string, Instance]>([
    ["id", { ...one, id: "b" }],
    ["readiness", { ...one, ready: !one.ready }],
    ["phase", { ...one, phase: "draining" }],
    ["revision", { ...one, revision: "older" }],
    ["slot", { ...one, slot: "9" }],
    ["title", { ...one, title: "other" }],
    ["who ended it", { ...one, endedBy: "node" }],
    ["number of containers", { ...one, containers: [ended, ended] }],
    ["a container's name", containing({ name: "other" })],
    ["a container's state", containing({ state: "dead" })],
    ["a container's health", containing({ health: "unhealthy" })],
    ["a container's restarts", containing({ restarts: 2 })],
    ["a container's reason", containing({ reason: "CrashLoopBackOff" })],
    ["a container's message", containing({ message: "no such secret" })],
    ["a container's role", containing({ role: "sidecar" })],
    ["an exit code", containing({ lastExit: { ...exit, code: 2 } })],
    ["a kill for memory", containing({ lastExit: { ...exit, oomKilled: true } })],
    ["the time of an exit", containing({ lastExit: { ...exit, at: 6 } })],
    ["the error of an exit", containing({ lastExit: { ...exit, error: "other" } })],
    ["who killed it", containing({ lastExit: { ...exit, killedBy: "liveness probe" } })],
  ])("differ when they differ in the %s", (_what, other) => {
    expect(isSameInstance(one, other)).toBe(false);
    expect(isSameInstance(other, one)).toBe(false);
  });

  it.each<[string, Instance]>([
    ["id", { ...one, id: "b" }],
    ["slot", { ...one, slot: "9" }],
    ["title", { ...one, title: "other" }],
  ])("are in the same state though they differ in the %s", (_what, other) => {
    expect(isSameState(one, other)).toBe(true);
    expect(isSameState(one, { ...other, ready: !one.ready })).toBe(false);
  });

  it("differ when only one of them has ended before", () => {
    const { lastExit: _gone, ...never } = ended;
    expect(isSameInstance(one, { ...one, containers: [never] })).toBe(false);
    expect(isSameInstance({ ...one, containers: [never] }, one)).toBe(false);
  });

  it("differ when one container of several does", () => {
    const pod = { ...one, containers: [container({}), ended] };
    expect(isSameInstance(pod, structuredClone(pod))).toBe(true);
    expect(isSameInstance(pod, { ...pod, containers: [container({}), { ...ended, restarts: 3 }] })).toBe(false);
    expect(isSameInstance(pod, { ...pod, containers: [container({ restarts: 3 }), ended] })).toBe(false);
  });
});

const service: ObservedService = {
  name: "web",
  kind: "container",
  goal: "run",
  desired: 1,
  wantedRevision: "new",
  conditions: [{ type: "quota", message: "too much" }],
  instances: [],
};
const reading: ProbeReading = { title: "GET /", service: "web", instance: "a", state: "passing", detail: "200" };
const shown: ShownService = { service, readings: [reading] };

describe("two looks at a service", () => {
  it("are the same when a copy shows the same, whatever its instances are", () => {
    expect(isSameService(shown, structuredClone(shown))).toBe(true);
    expect(isSameService(shown, { ...shown, service: { ...service, instances: [one], kind: "other" } })).toBe(true);
  });

  it.each<[string, ShownService]>([
    ["name", { ...shown, service: { ...service, name: "db" } }],
    ["goal", { ...shown, service: { ...service, goal: "complete" } }],
    ["number", { ...shown, service: { ...service, desired: 2 } }],
    ["wanted revision", { ...shown, service: { ...service, wantedRevision: "newer" } }],
    ["conditions", { ...shown, service: { ...service, conditions: [] } }],
    [
      "kind of a condition",
      { ...shown, service: { ...service, conditions: [{ type: "drifted", message: "too much" }] } },
    ],
    ["words of a condition", { ...shown, service: { ...service, conditions: [{ type: "quota", message: "more" }] } }],
    ["readings", { ...shown, readings: [] }],
    ["state of a probe", { ...shown, readings: [{ ...reading, state: "failing" }] }],
    ["instance that a probe asks", { ...shown, readings: [{ ...reading, instance: "b" }] }],
    ["title of a probe", { ...shown, readings: [{ ...reading, title: "GET /healthz" }] }],
    ["service that a probe asks", { ...shown, readings: [{ ...reading, service: "db" }] }],
    ["answer to a probe", { ...shown, readings: [{ ...reading, detail: "500" }] }],
  ])("differ when they differ in the %s", (_what, other) => {
    expect(isSameService(shown, other)).toBe(false);
  });
});
