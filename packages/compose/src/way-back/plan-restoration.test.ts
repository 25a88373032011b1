import { type Clock, DEFAULT_ROLLOUT, type DeploymentContext, Redactor, scopeHash } from "@belay/core";
import type { ContainerInspect, Docker, EngineEvent, EventQuery } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import type { ComposeCli } from "../files/compose-cli.ts";
import { TargetState } from "../target-state.ts";
import { container, EXITED, inspectOf, madeBy } from "../testing/containers.ts";
import { planRestoration } from "./plan-restoration.ts";
import type { Snapshot } from "./snapshot.ts";
import { asReadBack, asRestored } from "./snapshot-members.ts";

const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
const NOW = Date.parse("2026-01-01T12:00:00Z");
const context: DeploymentContext = { deployment: 7, release: "sha256:cc", policy: DEFAULT_ROLLOUT };
const before = (secondsAgo: number): number => NOW - secondsAgo * 1_000;

/** An engine with these containers, which remembers one event that is so old. */
function engine(containers: Map<string, ContainerInspect>, oldest: number) {
  const calls: string[] = [];
  const event: EngineEvent = {
    ...{ Type: "network", Action: "connect", time: oldest / 1e3, timeNano: oldest * 1e6 },
    Actor: { ID: "n" },
  };
  let now = 0;
  const clock: Clock = {
    now: () => now,
    date: () => new Date(NOW + now),
    sleep: async (milliseconds) => {
      // For how long the engine's events are still followed does not matter here.
      if (milliseconds === 5_000) return new Promise(() => undefined);
      now += milliseconds;
      const one = containers.get("1");
      // The old one was told to end, and does a minute later.
      if (now > 60_000 && one !== undefined && !calls.includes("start 1")) {
        containers.set("1", { ...one, State: { ...one.State, ...EXITED } });
      }
    },
  };
  const docker = {
    containers: {
      list: async () =>
        [...containers.values()].map(({ Id, Name, Config, State }) => {
          return { Id, Names: [Name], Labels: Config.Labels ?? {}, State: State.Status, Status: "" };
        }),
      inspect: async (id: string) => containers.get(id),
      start: async (id: string) => void calls.push(`start ${id}`),
      stop: async (id: string) => void calls.push(`stop ${id}`),
      remove: async (id: string) => void calls.push(`remove ${id}`),
    },
    images: { inspect: async () => ({ Id: "sha256:aa", RepoDigests: [] }) },
    events: async function* ({ onOpened }: EventQuery) {
      onOpened?.();
      yield await new Promise<EngineEvent>(() => undefined);
    },
    pastEvents: async () => [event],
  } as unknown as Docker;
  const options = {
    ...{ docker, scope, clock, projectDirectory: "/", files: [], env: {}, services: { web: { name: "web" } } },
    ...{ log: createTestLog(), redactor: new Redactor(), runner: () => Promise.reject(new Error("nothing runs")) },
  };
  return { calls, clock, state: new TargetState(options, {} as ComposeCli, { at: NOW, now: 0 }) };
}

function snapshotOf(...containers: ContainerInspect[]): Snapshot {
  const service = { service: "web", name: "web", goal: "run", exclusive: false, containers } as const;
  return {
    ...{ schema: "belay.compose-snapshot/v1", project: "shop", labelledDeployment: 6, at: NOW },
    services: [service],
  };
}

const old = inspectOf("1", { config: { StopTimeout: 300 }, labels: madeBy(scopeHash(scope), 6, "old") });
const fresh = { ...inspectOf("9", { labels: madeBy(scopeHash(scope), 7, "new") }), Created: "2026-01-01T11:57:00Z" };
const both = () => new Map([old, fresh].map((one) => [one.Id, one]));

describe("the way back of somebody else's deployment", () => {
  it("only removes, when nothing that told an old container to end can have been forgotten", async () => {
    // The newest container is three minutes old, and ending may take five.
    const { state } = engine(both(), before(500));
    expect((await planRestoration(state, snapshotOf(old), context)).stages.map(({ name }) => name)).toEqual(["remove"]);
  });

  it("waits for the end of an old container that may have been told to, and starts it before it removes", async () => {
    const { state, calls } = engine(both(), before(125));
    const { stages } = await planRestoration(state, snapshotOf(old), context);
    expect(stages.map(({ name }) => name)).toEqual(["restore", "remove"]);
    await stages[0]?.act(new AbortController().signal);
    expect(calls).toEqual(["start 1"]);
  });

  it("does not wait for the end of what outlived its grace period, nor start it again", async () => {
    const quick = inspectOf("1", { labels: madeBy(scopeHash(scope), 6, "old") });
    const { state, calls, clock } = engine(new Map([quick, fresh].map((one) => [one.Id, one])), before(125));
    const { stages } = await planRestoration(state, snapshotOf(quick), context);
    await stages[0]?.act(new AbortController().signal);
    expect(calls).toEqual([]);
    expect(clock.now()).toBeLessThan(2_000);
  });

  it("does not doubt what this run did itself, nor where there is nothing to remove", async () => {
    const { state } = engine(both(), before(1));
    state.carriedOut = 7;
    expect((await planRestoration(state, snapshotOf(old), context)).stages).toHaveLength(1);
    const { state: other } = engine(new Map([["1", old]]), before(1));
    expect((await planRestoration(other, snapshotOf(old), context)).stages).toHaveLength(1);
  });
});

describe("a container that the way back removes", () => {
  const seconds = (ago: number): string => new Date(before(ago)).toISOString();
  const died: EngineEvent = {
    ...{ Type: "container", Action: "die", time: before(1) / 1e3, timeNano: before(1) * 1e6 },
    Actor: { ID: "9", Attributes: { exitCode: "3" } },
  };
  const calls = async (state: Partial<ContainerInspect["State"]>, crashed: boolean): Promise<string[]> => {
    const one = { ...fresh, State: { ...fresh.State, ...state } };
    const made = engine(new Map([old, one].map((each) => [each.Id, each])), before(500));
    made.state.carriedOut = 7;
    const { stages } = await planRestoration(made.state, snapshotOf(old), context);
    if (crashed) made.state.watch.note(died);
    await stages.at(-1)?.act(new AbortController().signal);
    return made.calls;
  };

  it("has its time to end, unless it crashes anyway", async () => {
    expect(await calls({ StartedAt: seconds(1) }, false)).toEqual(["stop 9", "remove 9"]);
    expect(await calls({ StartedAt: seconds(1) }, true)).toEqual(["remove 9"]);
    expect(await calls({ Status: "exited", Running: false }, false)).toEqual(["remove 9"]);
  });

  it("has it also when it has recovered from a crash", async () => {
    expect(await calls({ StartedAt: seconds(11) }, true)).toEqual(["stop 9", "remove 9"]);
    const healthy = { StartedAt: seconds(1), Health: { Status: "healthy", FailingStreak: 0 } } as const;
    expect(await calls(healthy, true)).toEqual(["stop 9", "remove 9"]);
  });
});

describe("the way back to containers of several revisions", () => {
  const hand = inspectOf("2", { labels: { "com.docker.compose.config-hash": "byhand" } });
  const looping = { State: { ...old.State, Status: "restarting", Restarting: true } } as const;
  const ill: ContainerInspect = { ...inspectOf("3", { labels: madeBy(scopeHash(scope), 5, "kept") }), ...looping };
  const crashes = inspectOf("4", { restarts: 3, state: { StartedAt: new Date(before(2)).toISOString() } });
  const snapshot = snapshotOf(old, hand, ill, crashes);

  it("wants those that were sound, of whatever revision, and leaves the others out of the judgement", async () => {
    const all = new Map([old, hand, ill, crashes, fresh].map((one) => [one.Id, one]));
    const { state } = engine(all, before(5_000));
    const { wanted, stages } = await planRestoration(state, snapshot, context);
    expect(stages.map(({ name }) => name)).toEqual(["remove"]);
    expect(wanted[0]?.desired).toBe(2);
    const [service] = snapshot.services;
    const seen = service === undefined ? [] : await see(wanted[0]?.revision ?? "", service);
    expect(seen).toEqual([
      ["1", true],
      ["2", true],
      ["9", false],
    ]);
  });

  it("is read back as of one revision, and of what was ill nothing is left out", () => {
    const [service] = snapshot.services;
    const now = [old, hand, ill, fresh].map((one) => container(one.Id, { labels: one.Config.Labels ?? {} }));
    const read = service === undefined ? [] : asReadBack(now, service, snapshot.at);
    const [one, other, sick, made] = read.map(({ revision }) => revision);
    expect(one).toBe(other);
    expect([sick, made]).toEqual(now.slice(2).map(({ revision }) => revision));
    expect(new Set([one, sick, made]).size).toBe(3);
  });

  async function see(revision: string, service: Snapshot["services"][number]) {
    const now = [old, hand, ill, crashes, fresh].map((one) => container(one.Id, { labels: one.Config.Labels ?? {} }));
    return asRestored(now, service, snapshot.at, revision).map((one) => [one.id, one.revision === revision]);
  }

  it("does not start again what was ill, unless there is nothing better", async () => {
    const unhealthy = inspectOf("5", { state: { Health: { Status: "unhealthy", FailingStreak: 9 } } });
    const ended = [old, ill, unhealthy].map((one) => ({
      ...one,
      State: { ...one.State, ...EXITED, Restarting: false },
    }));
    const there = () => new Map(ended.map((one) => [one.Id, one]));
    const first = engine(there(), before(5_000));
    const [restore] = (await planRestoration(first.state, snapshotOf(old, ill, unhealthy), context)).stages;
    await restore?.act(new AbortController().signal);
    expect(first.calls).toEqual(["start 1"]);
    const second = engine(there(), before(5_000));
    const none = await planRestoration(second.state, snapshotOf(ill, unhealthy), context);
    await none.stages[0]?.act(new AbortController().signal);
    expect(second.calls).toEqual(["start 5"]);
    expect(none.wanted[0]?.desired).toBe(0);
  });
});
