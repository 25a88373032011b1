import type { Docker, EngineEvent } from "@belay/docker";
import { FakeClock } from "@belay/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { STILL } from "./look-times.ts";
import { TaskWatch } from "./task-watch.ts";

const SERVICE = "service1";

let clock: FakeClock;
let watch: TaskWatch;

beforeEach(() => {
  clock = new FakeClock();
  // No event is followed here: they are noted by hand.
  watch = new TaskWatch({} as Docker, clock);
});

function of(task: string, Action: string, more: Readonly<Record<string, string>> = {}): boolean {
  const labels = { "com.docker.swarm.task.id": task, "com.docker.swarm.service.id": SERVICE };
  return watch.note(event("container", Action, { ...labels, ...more }));
}

function event(Type: string, Action: string, Attributes: Readonly<Record<string, string>>): EngineEvent {
  return { Type, Action, Actor: { ID: "container1", Attributes }, time: 1, timeNano: 1e9 } as EngineEvent;
}

const lacks = (ready: number, gone: number): void =>
  watch.looked(clock.now(), new Map([[SERVICE, { ready, gone }]]), STILL);

describe("an event", () => {
  it.each(["die", "oom", "health_status: unhealthy"])("%s may decide", (action) => {
    expect(of("a", action)).toBe(true);
  });

  it("is what was asked for when the task was told to end before", () => {
    of("a", "kill");
    expect(of("a", "die", { exitCode: "137" })).toBe(false);
  });

  it("of a container that belongs to no task is nobody's", () => {
    expect(watch.note(event("container", "die", {}))).toBe(false);
  });

  it("of a service may decide, unless the engine only does as it was told", () => {
    const update = (state?: string) =>
      event("service", "update", state === undefined ? {} : { "updatestate.new": state });
    expect(["updating", "completed"].map((state) => watch.note(update(state)))).toEqual([false, false]);
    expect([undefined, "paused", "rollback_started"].map((state) => watch.note(update(state)))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("that brings the last task of those that were lacking may decide, the others before it don't", () => {
    lacks(3, 0);
    expect(["a", "b"].map((task) => of(task, "start"))).toEqual([false, false]);
    expect(of("b", "health_status: healthy")).toBe(false);
    expect(of("c", "start")).toBe(true);
  });

  it("may decide only when the old tasks were told to go as well", () => {
    lacks(1, 1);
    expect(of("new", "start")).toBe(false);
    expect(of("old", "kill")).toBe(true);
  });

  it("counts although a look came just after it, which may not have shown it yet", async () => {
    lacks(2, 0);
    of("a", "start");
    await clock.advance(100);
    lacks(2, 0);
    expect(of("b", "start")).toBe(true);
    await clock.advance(10_000);
    lacks(2, 0);
    expect(of("c", "start")).toBe(false);
  });

  it("is no news while nothing is lacking", () => {
    lacks(0, 0);
    expect(of("a", "start")).toBe(false);
  });
});
