import { type ContainerState, type Observation, Redactor, scopeHash } from "@belay/core";
import type { ContainerInspect, Docker } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import type { ComposeCli } from "../files/compose-cli.ts";
import { TargetState } from "../target-state.ts";
import { inspectOf, madeBy } from "../testing/containers.ts";
import { holdCrashed } from "./hold-crashed.ts";

const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
const OWN = scopeHash(scope);
const WAITING = { Status: "restarting", Restarting: true, ExitCode: 3 } as const;

function crashed(id: string, labels: Readonly<Record<string, string>>): ContainerInspect {
  return inspectOf(id, { labels, state: WAITING });
}

/** A run that carries out deployment 7, has read these, and whose engine does this when it is to kill one. */
async function stateOf(containers: readonly ContainerInspect[], kill: (id: string, signal: string) => Promise<void>) {
  const docker = {
    containers: {
      list: async () =>
        containers.map(({ Id, Name, Config, State }) => {
          return { Id, Names: [Name], Labels: Config.Labels ?? {}, State: State.Status, Status: "" };
        }),
      inspect: async (id: string) => containers.find(({ Id }) => Id === id),
      kill,
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
  await state.watch.read(undefined, "exact");
  return { state, log };
}

function seen(states: Readonly<Record<string, ContainerState["state"]>>): Observation {
  const instances = Object.entries(states).map(([id, state]) => ({
    ...({ id, title: id, slot: id, revision: "new.7", phase: "current", createdAt: 0, ready: false } as const),
    containers: [{ name: "web", role: "main", digests: [], state, restarts: 1, health: "none" } as const],
  }));
  const service = { name: "web", kind: "container", goal: "run", desired: 1, wantedRevision: "new.7", conditions: [] };
  return { at: 0, services: [{ ...service, goal: "run", instances }], probes: [] };
}

const never = (): AbortSignal => new AbortController().signal;

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
    await holdCrashed(state, seen({ ...all, up: "running", gone: "restarting" }), never());
    expect(killed).toEqual(["own SIGKILL"]);
    expect([...state.leaving]).toEqual(["own"]);
  });

  it("is not all that may serve: once an old one was told to end, it is left to the engine", async () => {
    const killed: string[] = [];
    const { state } = await stateOf([crashed("own", madeBy(OWN, 7, "new"))], async (id) => void killed.push(id));
    state.stopping.add("old");
    await holdCrashed(state, seen({ own: "restarting" }), never());
    expect([killed, [...state.leaving]]).toEqual([[], []]);
    // An earlier way's, which has gone since, says nothing.
    state.stopping.delete("old");
    state.stopping.add("older");
    await holdCrashed(state, seen({ own: "restarting" }), never());
    expect(killed).toEqual(["own"]);
  });

  it("ends quietly: another end of it is neither news nor its last words", async () => {
    const asked: string[] = [];
    const { state } = await stateOf([crashed("own", madeBy(OWN, 7, "new"))], async () => undefined);
    state.lastWords.take = (id) => void asked.push(id);
    await holdCrashed(state, seen({ own: "restarting" }), never());
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

describe("holding", () => {
  const four = ["1", "2", "3", "4"].map((id) => crashed(id, madeBy(OWN, 7, "new")));
  const allFour = seen({ 1: "restarting", 2: "restarting", 3: "restarting", 4: "restarting" });

  it("goes on with the others where the engine refuses one, and fails nothing", async () => {
    const killed: string[] = [];
    const { state, log } = await stateOf(four, async (id) => {
      killed.push(id);
      if (id === "2") throw new Error("container 2 is not running");
    });
    await holdCrashed(state, allFour, never());
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
