import { setImmediate as settled } from "node:timers/promises";
import { type ContainerState, type Observation, Redactor, scopeHash } from "@belay/core";
import type { ContainerInspect, Docker } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import type { ComposeCli } from "../files/compose-cli.ts";
import { TargetState } from "../target-state.ts";
import { inspectOf, madeBy } from "../testing/containers.ts";
import { givenEvents, told } from "../testing/given-events.ts";
import { holdCrashed } from "./hold-crashed.ts";

const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
const OWN = scopeHash(scope);
const RESTARTS = { RestartPolicy: { Name: "unless-stopped" } } as const;
const WAITING = { Status: "restarting", Restarting: true, ExitCode: 3 } as const;

function crashed(id: string, labels: Readonly<Record<string, string>>): ContainerInspect {
  return inspectOf(id, { labels, state: WAITING });
}

/** A run that carries out deployment 7, has read these, and whose engine does this when it is to kill or to stop one. */
async function stateOf(
  containers: readonly ContainerInspect[],
  kill: (id: string, signal: string) => Promise<void>,
  stop: (id: string) => Promise<void> = () => Promise.reject(new Error("nothing is to be stopped")),
) {
  const { events, give } = givenEvents();
  const docker = {
    events,
    containers: {
      list: async () =>
        containers.map(({ Id, Name, Config, State }) => {
          return { Id, Names: [Name], Labels: Config.Labels ?? {}, State: State.Status, Status: "" };
        }),
      inspect: async (id: string) => containers.find(({ Id }) => Id === id),
      kill,
      stop,
    },
  } as unknown as Docker;
  const log = createTestLog();
  const clock = { now: () => 0, date: () => new Date(0), sleep: () => new Promise<void>(() => undefined) };
  const options = {
    ...{ docker, scope, clock, projectDirectory: "/", files: [], env: {}, services: { web: { name: "web" } } },
    ...{ log, redactor: new Redactor(), runner: () => Promise.reject(new Error("nothing runs")) },
  };
  const state = new TargetState(options, {} as ComposeCli, { at: 0, now: 0 });
  state.carriedOut = 7;
  state.beginWay(["old"]);
  await state.watch.open();
  await state.watch.read(undefined, "exact");
  return { state, log, give };
}

/** Until nothing is under way any more. */
async function holdNow(state: TargetState, observation: Observation): Promise<void> {
  const stop = new AbortController();
  const held = holdCrashed(state, observation, stop.signal);
  await settled();
  stop.abort();
  // Where nothing may be held it has ended by itself.
  await held.catch((error: unknown) => expect(error).toBe(stop.signal.reason));
}

function seen(states: Readonly<Record<string, ContainerState["state"]>>): Observation {
  const instances = Object.entries(states).map(([id, state]) => ({
    ...({ id, title: id, slot: id, revision: "new.7", phase: "current", createdAt: 0, ready: false } as const),
    containers: [{ name: "web", role: "main", digests: [], state, restarts: 1, health: "none" } as const],
  }));
  const service = { name: "web", kind: "container", goal: "run", desired: 1, wantedRevision: "new.7", conditions: [] };
  return { at: 0, services: [{ ...service, goal: "run", instances }], probes: [] };
}

describe("what is held", () => {
  it("waits for its restart, and was made by this deployment", async () => {
    const killed: string[] = [];
    const containers = [
      crashed("own", madeBy(OWN, 7, "new")),
      crashed("old", madeBy(OWN, 6, "old")),
      crashed("foreign", madeBy("other", 7, "new")),
      crashed("byhand", {}),
      inspectOf("up", { labels: madeBy(OWN, 7, "new") }),
    ];
    const { state } = await stateOf(containers, async (id, signal) => void killed.push(`${id} ${signal}`));
    const all = { own: "restarting", old: "restarting", foreign: "restarting", byhand: "restarting" } as const;
    await holdNow(state, seen({ ...all, up: "running", gone: "restarting" }));
    expect(killed).toEqual(["own SIGKILL"]);
    expect([...state.leaving]).toEqual(["own"]);
  });

  it("is not all that may serve: once an old one was told to end, it is left to the engine", async () => {
    const killed: string[] = [];
    const { state } = await stateOf([crashed("own", madeBy(OWN, 7, "new"))], async (id) => void killed.push(id));
    state.stopping.add("old");
    await holdNow(state, seen({ own: "restarting" }));
    expect([killed, [...state.leaving]]).toEqual([[], []]);
    // An earlier way's, which has gone since, says nothing.
    state.stopping.delete("old");
    state.stopping.add("older");
    await holdNow(state, seen({ own: "restarting" }));
    expect(killed).toEqual(["own"]);
  });

  it("ends quietly: another end of it is neither news nor its last words", async () => {
    const asked: string[] = [];
    const { state } = await stateOf([crashed("own", madeBy(OWN, 7, "new"))], async () => undefined);
    state.lastWords.take = (id) => void asked.push(id);
    await holdNow(state, seen({ own: "restarting" }));
    const at = { time: 1, timeNano: 1e9 };
    state.watch.note({ Type: "container", Action: "kill", ...at, Actor: { ID: "own", Attributes: { signal: "9" } } });
    state.watch.note({
      Type: "container",
      Action: "die",
      ...at,
      Actor: { ID: "own", Attributes: { exitCode: "137" } },
    });
    expect(asked).toEqual([]);
    expect(state.watch.lastTold).toBeUndefined();
  });
});

describe("the other copies of what has crashed", () => {
  const [labels, exit] = [madeBy(OWN, 7, "new"), { code: 3, oomKilled: false }];
  const up = (id: string) => inspectOf(id, { labels, host: RESTARTS });
  /** What is observed of a service: its instances, and which of them have crashed. */
  const service = (name: string, states: Parameters<typeof seen>[0], dead: readonly string[]) => {
    const [one] = seen(states).services;
    if (one === undefined) throw new Error("nothing is observed");
    const instances = one.instances.map((instance) => {
      const lastExit = dead.includes(instance.id) ? { lastExit: exit } : {};
      return { ...instance, containers: instance.containers.map((container) => ({ ...container, ...lastExit })) };
    });
    return { ...one, name, instances };
  };
  const observed = (...services: Observation["services"]): Observation => ({ at: 0, services, probes: [] });
  const attempt = async (observation: Observation, before: (state: TargetState) => void = () => undefined) => {
    const calls: string[] = [];
    const foreign = inspectOf("old", { labels: madeBy(OWN, 6, "old"), host: RESTARTS });
    const { state } = await stateOf(
      [crashed("1", labels), up("2"), up("3"), up("4"), foreign],
      async (id) => void calls.push(`kill ${id}`),
      async (id) => void calls.push(`stop ${id}`),
    );
    before(state);
    await holdNow(state, observation);
    return { calls, state };
  };

  it("are told to end as soon as the verdict is there, but for those that have crashed before: those are evidence", async () => {
    const states = { 1: "restarting", 2: "running", 3: "running", old: "running" } as const;
    const { calls, state } = await attempt(observed(service("web", states, ["1", "3"])));
    expect(calls).toEqual(["kill 1", "stop 2"]);
    expect([[...state.stopping], [...state.leaving]]).toEqual([["2"], ["1", "2"]]);
    await expect(state.told.get("2")?.ended).resolves.toBe(true);
  });

  it("wait for the way back where nothing has crashed, another service runs as well, or an old one was told to end", async () => {
    const one = { 1: "restarting", 2: "running" } as const;
    const well = await attempt(observed(service("web", { 2: "running", 3: "running" }, [])));
    const two = observed(service("web", one, ["1"]), service("api", { 3: "running" }, []));
    const last = await attempt(observed(service("web", one, ["1"])), (state) => state.stopping.add("old"));
    expect([well.calls, (await attempt(two)).calls, last.calls]).toEqual([[], ["kill 1"], []]);
  });
});

describe("what crashes after the verdict", () => {
  const labels = madeBy(OWN, 7, "new");
  const up = (id: string, host: ContainerInspect["HostConfig"] = RESTARTS) => inspectOf(id, { labels, host });
  const died = (id: string, exitCode = 3) => told(id, "die", "2026-01-01T10:00:02Z", { exitCode: `${exitCode}` });

  it("is held as soon as the engine tells of its end, until the signal", async () => {
    const killed: string[] = [];
    const { state, give } = await stateOf([up("1"), up("2"), up("3")], async (id) => void killed.push(id));
    const stop = new AbortController();
    const held = holdCrashed(state, seen({ 1: "running", 2: "running", 3: "running" }), stop.signal);
    await settled();
    expect(killed).toEqual([]);
    give(died("1"));
    await settled();
    give(died("2"));
    await settled();
    expect([killed, [...state.leaving]]).toEqual([
      ["1", "2"],
      ["1", "2"],
    ]);
    stop.abort();
    await expect(held).rejects.toThrow("abort");
    give(died("3"));
    await settled();
    expect(killed).toEqual(["1", "2"]);
  });

  it("is held while the engine does not answer of another one yet", async () => {
    const answer = Promise.withResolvers<void>();
    const killed: string[] = [];
    const { state, give } = await stateOf([crashed("1", labels), up("2")], async (id) => {
      killed.push(id);
      await answer.promise;
    });
    const stop = new AbortController();
    const held = holdCrashed(state, seen({ 1: "restarting", 2: "running" }), stop.signal);
    give(died("2"));
    await settled();
    expect(killed).toEqual(["1", "2"]);
    stop.abort();
    answer.resolve();
    await expect(held).rejects.toThrow("abort");
  });

  it("is left alone where the engine will not start it again, has done so, or nothing of it was made by this run", async () => {
    const killed: string[] = [];
    const host = (Name: string) => ({ RestartPolicy: { Name } });
    const foreign = inspectOf("foreign", { labels: madeBy(OWN, 6, "old"), host: RESTARTS });
    const all = [up("no", host("no")), up("done", host("on-failure")), up("told"), up("again"), foreign];
    const { state, give } = await stateOf(all, async (id) => void killed.push(id));
    give(told("told", "kill", "2026-01-01T10:00:02Z", { signal: "15" }));
    give(...[died("no"), died("done", 0), died("told"), died("again"), died("foreign")]);
    give(told("again", "start", "2026-01-01T10:00:03Z"));
    await settled();
    await holdNow(
      state,
      seen({ no: "running", done: "running", told: "running", again: "running", foreign: "running" }),
    );
    expect(killed).toEqual([]);
  });
});

describe("holding", () => {
  const four = ["1", "2", "3", "4"].map((id) => crashed(id, madeBy(OWN, 7, "new")));
  const allFour = seen({ 1: "restarting", 2: "restarting", 3: "restarting", 4: "restarting" });

  it("goes on with the others where the engine refuses one, and fails nothing", async () => {
    const killed: string[] = [];
    const { state, log } = await stateOf(four, async (id) => {
      killed.push(id);
      if (id === "2") throw new Error("container 2 is not running");
    });
    await holdNow(state, allFour);
    expect(killed.sort()).toEqual(["1", "2", "3", "4"]);
    expect(log.text()).toContain("container 2 is not running");
  });

  it("leaves a connection to the removal while the engine answers none, and sends nothing after its signal", async () => {
    const answer = Promise.withResolvers<void>();
    const killed: string[] = [];
    const { state } = await stateOf(four, async (id) => {
      killed.push(id);
      await answer.promise;
    });
    const stop = new AbortController();
    const held = holdCrashed(state, allFour, stop.signal);
    expect(killed).toEqual(["1", "2", "3"]);
    stop.abort();
    answer.resolve();
    await expect(held).rejects.toThrow("abort");
    expect(killed).toEqual(["1", "2", "3"]);
  });
});
