import { LABELS } from "@belay/core";
import type { ContainerInspect, ContainerSummary, Docker, EngineEvent, EventQuery } from "@belay/docker";
import { FakeClock } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { EXITED, inspectOf, madeBy } from "../testing/containers.ts";
import { ContainerWatch } from "./container-watch.ts";

/** An engine with two containers of `web` that counts what it is asked, and whose events are given by hand. */
function engine() {
  const asked = { list: 0, inspect: [] as string[] };
  const containers = new Map<string, ContainerInspect>(["1", "2"].map((id) => [id, inspectOf(id)]));
  const endpoints = new Map<string, string>();
  const pending: EngineEvent[] = [];
  let wake: () => void = () => undefined;
  let query: EventQuery | undefined;
  const summary = ({ Id, Name, Image, State, Config, Mounts, NetworkSettings }: ContainerInspect): ContainerSummary => {
    const health = State.Health?.Status;
    const text = health === "starting" ? "health: starting" : health;
    const places = Object.keys(NetworkSettings.Networks).map((name) => [name, { EndpointID: endpoints.get(Id) ?? "" }]);
    return {
      ...{ Id, Names: [Name, `/other${Name}`], Image: "", ImageID: Image, Created: 0, State: State.Status },
      ...{ Mounts, NetworkSettings: { Networks: Object.fromEntries(places) }, Labels: Config.Labels ?? {} },
      Status: text === undefined ? "Up 5 minutes" : `Up 5 minutes (${text})`,
    };
  };
  const docker = {
    containers: {
      list: async () => {
        asked.list++;
        return [...containers.values()].map(summary);
      },
      inspect: async (id: string) => {
        asked.inspect.push(id);
        return containers.get(id);
      },
    },
    events: async function* (given: EventQuery) {
      query = given;
      given.onOpened?.();
      while (!given.signal.aborted) {
        for (const event of pending.splice(0)) yield event;
        await new Promise<void>((resolve) => {
          wake = resolve;
          given.signal.addEventListener("abort", () => resolve());
        });
      }
    },
  } as unknown as Docker;
  const dead: string[] = [];
  const leaving = new Set<string>();
  const clock = new FakeClock();
  const watch = new ContainerWatch({
    ...{ docker, clock, project: "shop", engineNow: () => clock.now(), onDeath: (id: string) => void dead.push(id) },
    isLeaving: (id) => leaving.has(id),
  });
  const change = (id: string, state: Partial<ContainerInspect["State"]>): void => {
    const one = containers.get(id);
    if (one !== undefined) containers.set(id, { ...one, State: { ...one.State, ...state } });
  };
  const give = async (...events: EngineEvent[]): Promise<void> => {
    pending.push(...events);
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const taken = (): string[] => asked.inspect.splice(0);
  return {
    watch,
    clock,
    asked,
    containers,
    endpoints,
    dead,
    leaving,
    change,
    give,
    taken,
    stream: () => query,
  };
}

const web = new Set(["web"]);
const signal = new AbortController().signal;
const TIME = "2026-01-01T10:00:05Z";
const told = (id: string, Action: string, Attributes: Record<string, string> = {}): EngineEvent => ({
  ...{ Type: "container", Action, time: 0, timeNano: Date.parse(TIME) * 1e6 },
  Actor: { ID: id, Attributes },
});
const die = (id: string): EngineEvent => told(id, "die", { exitCode: "3" });

/** One that the engine starts again whenever it ends by itself. */
function alwaysThere(id: string): ContainerInspect {
  const one = inspectOf(id);
  return { ...one, HostConfig: { ...one.HostConfig, RestartPolicy: { Name: "always" } } };
}

describe("watching containers", () => {
  it("inspects each again at every look while no events are followed", async () => {
    const { watch, asked } = engine();
    await watch.read(web, "listed", signal);
    await watch.read(web, "judged", signal);
    expect(asked).toEqual({ list: 2, inspect: ["1", "2", "1", "2"] });
  });

  it("inspects only what an event named or the listing shows in another state", async () => {
    const { watch, taken, change, give, dead } = engine();
    await watch.open();
    for (const precision of ["exact", "judged", "listed", "exact"] as const) await watch.read(web, precision, signal);
    expect(taken()).toEqual(["1", "2"]);
    await give(die("2"));
    expect(dead).toEqual(["2"]);
    await watch.read(web, "listed", signal);
    expect(taken()).toEqual([]);
    await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["2"]);
    change("1", EXITED);
    // Whoever does not judge leaves it to the one who does.
    await watch.read(web, "listed", signal);
    expect(taken()).toEqual([]);
    const seen = await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["1"]);
    expect(seen.map((one) => one.inspect.State.Status)).toEqual(["exited", "running"]);
  });

  it("does not ask the engine about one that it is about to start again: the events have told how it ended", async () => {
    const { watch, taken, change, give, containers } = engine();
    containers.set("2", alwaysThere("2"));
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    await give(die("2"));
    // The listing is behind at first.
    for (const state of [{}, { Status: "restarting", Running: true, Restarting: true }] as const) {
      change("2", state);
      const seen = (await watch.read(web, "judged", signal)).find(({ id }) => id === "2");
      const told = { Status: "restarting", Restarting: true, ExitCode: 3, FinishedAt: "2026-01-01T10:00:05.000Z" };
      expect(seen?.inspect).toMatchObject({ State: told, RestartCount: 1 });
      expect(taken()).toEqual([]);
    }
    change("2", { Status: "running", Restarting: false });
    await give({ ...told("2", "start"), timeNano: (Date.parse(TIME) + 1) * 1e6 });
    await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["2"]);
  });

  it("counts an end once, whether the engine or its event tells of it first", async () => {
    const { watch, taken, change, give, containers } = engine();
    containers.set("2", alwaysThere("2"));
    await watch.open();
    await watch.read(web, "exact", signal);
    // The listing is ahead of the event, and the engine's time of the end before the event's.
    const FinishedAt = new Date(Date.parse(TIME) - 50).toISOString();
    change("2", { Status: "restarting", Running: true, Restarting: true, ExitCode: 3, FinishedAt });
    containers.set("2", { ...(containers.get("2") ?? alwaysThere("2")), RestartCount: 1 });
    await watch.read(web, "judged", signal);
    taken();
    await give(die("2"));
    for (const precision of ["listed", "judged"] as const) {
      const seen = (await watch.read(web, precision, signal)).find(({ id }) => id === "2");
      expect(seen?.inspect.RestartCount).toBe(1);
    }
    expect(taken()).toEqual(["2"]);
  });

  it("asks about one that somebody ended: it is not started again", async () => {
    const { watch, taken, change, give, containers } = engine();
    containers.set("2", alwaysThere("2"));
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    await give(told("2", "kill", { signal: "15" }), told("2", "die", { exitCode: "143" }));
    // The listing is behind.
    const listed = (await watch.read(web, "listed", signal)).find(({ id }) => id === "2");
    expect(listed?.inspect.State.Status).toBe("running");
    change("2", EXITED);
    const seen = (await watch.read(web, "judged", signal)).find(({ id }) => id === "2");
    expect(seen?.inspect.State.Status).toBe("exited");
    expect(taken()).toEqual(["2"]);
  });

  it("asks about one that stays down, and about one that was killed: it may have had no memory", async () => {
    const { watch, taken, change, give, containers } = engine();
    containers.set("2", alwaysThere("2"));
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    change("1", EXITED);
    change("2", { Status: "restarting", Running: true, Restarting: true, ExitCode: 137, OOMKilled: true });
    await give(die("1"), told("2", "die", { exitCode: "137" }));
    const seen = await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["1", "2"]);
    expect(seen.map(({ inspect }) => inspect.State.OOMKilled)).toEqual([false, true]);
  });

  it("tells when somebody else told containers to end, and whether that was all of them", async () => {
    const { watch, give, leaving } = engine();
    await watch.open();
    await watch.read(web, "exact", signal);
    const at = Date.parse(TIME);
    leaving.add("1");
    await give(told("1", "kill", { signal: "15" }));
    expect(watch.lastTold).toBeUndefined();
    await give(told("2", "kill", { signal: "15" }));
    expect([watch.lastTold, watch.allTold(at), watch.allTold(at - 60_000)]).toEqual([at, true, false]);
  });

  it("takes a start and a healthy check from the listing, and reads what an unhealthy one said", async () => {
    const { watch, taken, change, give, containers } = engine();
    containers.set("2", inspectOf("2", { state: { Status: "created", Running: false } }));
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    change("2", { Status: "running", Running: true, Health: { Status: "starting", FailingStreak: 0 } });
    await give(told("2", "start"));
    const started = (await watch.read(web, "judged", signal)).find(({ id }) => id === "2");
    expect(started?.inspect.State).toMatchObject({ Running: true, Health: { Status: "starting" } });
    expect(Date.parse(started?.inspect.State.StartedAt ?? "")).toBe(Date.parse(TIME));
    change("2", { Health: { Status: "healthy", FailingStreak: 0 } });
    await give(told("2", "health_status: healthy"));
    const healthy = (await watch.read(web, "judged", signal)).find(({ id }) => id === "2");
    expect(healthy?.inspect.State.Health?.Status).toBe("healthy");
    expect(taken()).toEqual([]);
    change("2", { Health: { Status: "unhealthy", FailingStreak: 2 } });
    await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["2"]);
    await watch.read(web, "exact", signal);
    expect(taken()).toEqual([]);
  });

  it("looks at one whose start failed, of which the engine tells nothing", async () => {
    const { watch, taken, change, containers } = engine();
    containers.set("2", inspectOf("2", { state: { Status: "created", Running: false } }));
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    change("2", { Error: "no such program" });
    watch.failedToStart("2");
    const seen = await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["2"]);
    expect(seen.find(({ id }) => id === "2")?.inspect.State.Error).toBe("no such program");
    await watch.read(web, "judged", signal);
    expect(taken()).toEqual([]);
  });

  it("needs no look at what is ended on purpose, but the listing", async () => {
    const { watch, taken, change, give, leaving, dead } = engine();
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    leaving.add("1");
    change("1", EXITED);
    await give(told("1", "kill", { signal: "15" }), die("1"));
    const [ended] = await watch.read(web, "judged", signal);
    expect(ended?.inspect.State).toMatchObject({ Status: "exited", Running: false, ExitCode: 3 });
    expect([taken(), dead]).toEqual([[], []]);
    expect(watch.noteOf("1")).toMatchObject({ killed: { signal: 15 }, died: { code: 3, at: Date.parse(TIME) } });
    await watch.read(web, "exact", signal);
    expect(taken()).toEqual(["1"]);
  });

  it("inspects one of the containers that a deployment made at once, and knows the others by it", async () => {
    const { watch, taken, containers } = engine();
    const state = { Status: "created", Running: false } as const;
    const made = (id: string, number: string, deployment = 7): void => {
      const labels = { ...madeBy("scope", deployment, "new"), "com.docker.compose.container-number": number };
      const networks = { shop_default: { Aliases: [`shop-web-${id}`, "web", id] } };
      containers.set(id, inspectOf(id, { state, labels, networks, config: { Hostname: id } }));
    };
    for (const id of ["3", "4", "5"]) made(id, id);
    await watch.open();
    const seen = await watch.read(web, "listed", signal);
    expect(taken()).toEqual(["1", "2", "3"]);
    expect(seen.find(({ id }) => id === "5")).toMatchObject({
      ...{ name: "shop-web-5", number: "5", revision: "new.7" },
      inspect: {
        Config: { Hostname: "5", Labels: { [LABELS.deployment]: "7", "com.docker.compose.container-number": "5" } },
        NetworkSettings: { Networks: { shop_default: { Aliases: ["shop-web-5", "web", "5"] } } },
      },
    });
    made("6", "6", 8);
    await watch.read(web, "listed", signal);
    expect(taken()).toEqual(["6"]);
    await watch.read(web, "exact", signal);
    expect(taken()).toEqual(["4", "5"]);
  });

  it("reads anew what was moved to another network by somebody else, and not what Belay gave other names", async () => {
    const { watch, taken, containers, endpoints } = engine();
    const networks = { shop_default: { Aliases: ["web"] } };
    containers.set("1", inspectOf("1", { networks }));
    endpoints.set("1", "a");
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    endpoints.set("1", "b");
    watch.renamed("1", "shop_default", ["other"]);
    const [renamed] = await watch.read(web, "judged", signal);
    expect(renamed?.inspect.NetworkSettings.Networks).toMatchObject({ shop_default: { Aliases: ["other"] } });
    expect(taken()).toEqual([]);
    endpoints.set("1", "c");
    await watch.read(web, "listed", signal);
    expect(taken()).toEqual(["1"]);
  });

  it("reads the oldest one again, one at each look, when it was not read for long", async () => {
    const { watch, taken, clock } = engine();
    await watch.open();
    const stop = new AbortController();
    const following = watch.follow(stop.signal).next();
    await watch.read(web, "exact", signal);
    taken();
    await clock.advance(15_000);
    await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["1"]);
    await watch.read(web, "judged", signal);
    await watch.read(web, "judged", signal);
    expect(taken()).toEqual(["2"]);
    stop.abort();
    expect(await following).toMatchObject({ done: true });
  });

  it("trusts nothing that it read before the stream broke, and knows when that was", async () => {
    const { watch, taken, clock, stream } = engine();
    await watch.open();
    await watch.read(web, "exact", signal);
    taken();
    await clock.advance(1_000);
    stream()?.onBroken?.();
    await watch.read(web, "listed", signal);
    expect(taken()).toEqual(["1", "2"]);
    await clock.advance(1_000);
    stream()?.onBroken?.();
    stream()?.onOpened?.();
    expect(watch.gaps).toEqual([{ from: 1_000, to: 2_000 }]);
    await clock.advance(1);
    await watch.read(web, "listed", signal);
    await watch.read(web, "listed", signal);
    expect(taken()).toEqual(["1", "2"]);
  });

  it("follows events as long as somebody needs them and a little longer, over one stream", async () => {
    const { watch, clock, give, stream } = engine();
    const stop = new AbortController();
    const following = watch.follow(stop.signal);
    const change = following.next();
    await watch.open();
    await give(die("2"));
    expect(await change).toEqual({ done: false, value: undefined });
    const first = stream();
    stop.abort();
    expect(await following.next()).toMatchObject({ done: true });
    await clock.advance(4_000);
    await watch.open();
    await clock.advance(4_000);
    expect([stream() === first, first?.signal.aborted]).toEqual([true, false]);
    await clock.advance(2_000);
    expect(first?.signal.aborted).toBe(true);
    await watch.open();
    expect(stream() === first).toBe(false);
    watch.close();
    expect(stream()?.signal.aborted).toBe(true);
  });

  it("has what its containers have in common in memory once, and one that is as it was stays the same", async () => {
    const { watch, containers, give } = engine();
    const parts = () => ({ host: { Binds: ["/srv:/srv"] }, config: { Env: ["A=1"] } });
    for (const id of ["1", "2"]) containers.set(id, structuredClone(inspectOf(id, parts())));
    await watch.open();
    const [one, two] = await watch.read(web, "judged", signal);
    expect(one?.inspect).toEqual(containers.get("1"));
    expect(two?.inspect.HostConfig).toBe(one?.inspect.HostConfig);
    containers.set("1", structuredClone(inspectOf("1", parts())));
    await give(told("1", "update"));
    const [again] = await watch.read(web, "judged", signal);
    expect(again).toBe(one);
  });

  it("remembers what happened to containers", async () => {
    const { watch } = engine();
    watch.note(die("2"));
    expect(watch.noteOf("2").died).toEqual({ code: 3, at: Date.parse(TIME) });
    expect(watch.noteOf("2").lines).toEqual(["10:00:05.000 die (exit code 3)"]);
    expect(watch.noteOf("1").lines).toEqual([]);
  });
});
