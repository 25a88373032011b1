import type { Docker, EngineEvent } from "@belay/docker";
import { FakeClock } from "@belay/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { STILL } from "./look-times.ts";
import { TaskWatch } from "./task-watch.ts";

const SERVICE = "service1";

let watch: TaskWatch;

beforeEach(() => {
  // No event is followed here: they are noted by hand.
  watch = new TaskWatch({} as Docker, new FakeClock());
});

function of(task: string, Action: string, more: Readonly<Record<string, string>> = {}): boolean {
  const labels = { "com.docker.swarm.task.id": task, "com.docker.swarm.service.id": SERVICE };
  return watch.note(event("container", Action, { ...labels, ...more }));
}

function event(Type: string, Action: string, Attributes: Readonly<Record<string, string>>): EngineEvent {
  return { Type, Action, Actor: { ID: "container1", Attributes }, time: 1, timeNano: 1e9 } as EngineEvent;
}

/** A look at the service that shows these tasks, of which some are still waited for. */
function look(ready: number, gone: number, tasks: readonly string[] = [], open: readonly string[] = []): void {
  const right = new Set(tasks.filter((id) => !open.includes(id)));
  watch.looked(new Map([[SERVICE, { ready, gone, open: new Set(open), right }]]), new Set(tasks), STILL);
}

describe("an event", () => {
  it.each(["die", "oom", "health_status: unhealthy"])("%s may decide", (action) => {
    expect(of("a", action)).toBe(true);
  });

  it("is what was asked for when the task was told to end before", () => {
    of("a", "kill");
    expect(of("a", "die", { exitCode: "137" })).toBe(false);
  });

  it("tells of a start after the end, which is the engine's own mistake", () => {
    of("a", "start");
    of("a", "die", { exitCode: "137" });
    expect(watch.local("a")).toEqual({ container: "container1", exitCode: 137 });
    of("a", "start");
    expect(watch.local("a")).toEqual({ container: "container1", exitCode: 137, revived: true });
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
    look(3, 0);
    expect(["a", "b"].map((task) => of(task, "start"))).toEqual([false, false]);
    expect(of("b", "health_status: healthy")).toBe(false);
    expect(of("c", "start")).toBe(true);
    expect(of("c", "start")).toBe(false);
    expect(of("c", "health_status: healthy")).toBe(true);
  });

  it("may decide when the last task comes up, whether or not the old ones were told to go, and when these are", () => {
    look(2, 2, ["old1", "old2"], ["old1", "old2"]);
    expect([of("new1", "start"), of("new1", "health_status: healthy"), of("old1", "kill")]).toEqual([
      false,
      false,
      false,
    ]);
    // That these have a health check is known by now.
    expect(of("new2", "start")).toBe(false);
    expect(of("new2", "health_status: healthy")).toBe(true);
    expect(of("old2", "kill")).toBe(true);
    expect(of("old2", "die")).toBe(false);
  });

  it("of one that is healthy is not the last while others only started", () => {
    look(3, 3, ["old1", "old2", "old3"], ["old1", "old2", "old3"]);
    const starts = ["a", "b", "c"].map((task) => of(task, "start"));
    expect(starts).toEqual([false, false, true]);
    const healthy = ["a", "b", "c"].map((task) => of(task, "health_status: healthy"));
    expect(healthy).toEqual([false, false, true]);
  });

  it("of a start decides again on the way back to what has no health check, whatever is still told of the other", () => {
    look(2, 0);
    for (const task of ["bad1", "bad2"]) of(task, "start");
    of("bad1", "health_status: unhealthy");
    watch.beginWay();
    look(1, 2, ["bad1", "bad2"], ["bad1", "bad2"]);
    of("bad2", "health_status: unhealthy");
    expect(of("good", "start")).toBe(true);
  });

  it("of a health check that began on this way is waited for from then on", () => {
    watch.beginWay();
    look(2, 2, ["old1", "old2"], ["old1", "old2"]);
    of("new1", "start");
    of("new1", "health_status: healthy");
    expect([of("new2", "start"), of("new2", "health_status: healthy")]).toEqual([false, true]);
  });

  it("counts until a look shows what came of it", () => {
    look(2, 0);
    expect(of("a", "start")).toBe(false);
    look(2, 0, ["a"], ["a"]);
    expect(of("b", "start")).toBe(true);
    look(1, 0, ["a", "b"], ["b"]);
    expect(of("b", "health_status: healthy")).toBe(true);
    look(2, 0, ["a", "b"]);
    expect(of("c", "start")).toBe(false);
  });

  it("may decide when a task goes that was as it should be, whoever ended it", () => {
    look(1, 1, ["good", "old"], ["old"]);
    expect([of("old", "kill"), of("old", "die")]).toEqual([false, false]);
    expect([of("good", "kill"), of("good", "die")]).toEqual([true, true]);
  });

  it("is no news while nothing is lacking", () => {
    look(0, 0);
    expect(of("a", "start")).toBe(false);
  });
});
