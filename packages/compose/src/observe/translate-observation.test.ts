import type { Condition, Wanted } from "@belay/core";
import { describe, expect, it } from "vitest";
import type { ComposeContainer } from "../containers/compose-container.ts";
import { container, EXITED, madeBy } from "../testing/containers.ts";
import { type Knowledge, translateService } from "./translate-observation.ts";

const wanted: Wanted = { service: "web", goal: "run", desired: 1, revision: "new.7", digests: [] };
const nothing: Knowledge = {
  ...{ digests: new Map(), stopping: new Set(), conditions: new Map(), restarted: new Map() },
  ...{ noteOf: () => ({}), diedWithEngine: () => false, engineIsBack: false, now: 10_000 },
};
const fresh = madeBy("scope", 7, "new");
const see = (one: ComposeContainer, known: Partial<Knowledge> = {}, want: Partial<Wanted> = {}) => {
  const service = translateService({ ...wanted, ...want }, [one], { ...nothing, ...known });
  return { ...service.instances[0], conditions: service.conditions };
};

describe("a container as an instance", () => {
  it("is ready when it runs and its health check, if any, says so", () => {
    const health = (Status: "starting" | "healthy" | "unhealthy") => ({ Health: { Status, FailingStreak: 0 } });
    expect(see(container("1", { labels: fresh }))).toMatchObject({ ready: true, phase: "current", revision: "new.7" });
    expect(see(container("1", { state: health("starting") })).ready).toBe(false);
    expect(see(container("1", { state: health("healthy") })).ready).toBe(true);
    const unhealthy = see(container("1", { state: health("unhealthy") }));
    expect(unhealthy).toMatchObject({ ready: false, containers: [{ health: "unhealthy" }] });
    expect(see(container("1", { state: { Paused: true, Status: "paused" } })).ready).toBe(false);
  });

  it("of another revision is current while it lives, draining while it is stopped, then history", () => {
    expect(see(container("1")).phase).toBe("current");
    expect(see(container("1"), { stopping: new Set(["1"]) }).phase).toBe("draining");
    expect(see(container("1", { state: EXITED })).phase).toBe("history");
    expect(see(container("1", { state: EXITED, labels: fresh })).phase).toBe("current");
  });

  it("tells its last exit, also when it runs again", () => {
    const state = { ...EXITED, ExitCode: 3, OOMKilled: true, FinishedAt: "2026-01-01T10:00:05Z" };
    const at = Date.parse(state.FinishedAt);
    expect(see(container("1", { state }))).toMatchObject({
      endedBy: "self",
      containers: [{ state: "exited", lastExit: { code: 3, oomKilled: true, at } }],
    });
    const running = container("1", { restarts: 2, state: { FinishedAt: state.FinishedAt } });
    const again = see(running, { noteOf: () => ({ died: { code: 3, at: at + 1 } }) });
    expect(again.containers).toMatchObject([{ state: "running", restarts: 2, lastExit: { code: 3, at } }]);
    expect(see(container("1")).containers?.[0]).not.toHaveProperty("lastExit");
    const noteOf = () => ({ died: { code: 0, at } });
    const own = see(running, { noteOf, restarted: new Map([["1", at + 100]]) });
    expect(own.containers?.[0]).not.toHaveProperty("lastExit");
  });

  it("that ended with its engine did not end by itself, and is missed only when it does not come back with it", () => {
    const state = { ...EXITED, ExitCode: 143, FinishedAt: "2026-01-01T10:00:05Z" };
    const one = container("1", { labels: fresh, state, host: { RestartPolicy: { Name: "no" } } });
    const gone = { diedWithEngine: () => true };
    expect(see(one, gone)).toMatchObject({ endedBy: "engine", conditions: [] });
    const back = see(one, { ...gone, engineIsBack: true }).conditions;
    expect(back).toEqual([
      {
        type: "start_failed",
        message: "shop-web-1 ended with its engine, which does not start it again (restart: no)",
      },
    ]);
    expect(see(container("1", { labels: fresh }), { ...gone, engineIsBack: true }).conditions).toEqual([]);
    const job = (ExitCode: number) => container("1", { labels: fresh, state: { ...state, ExitCode } });
    const seen = (code: number) => see(job(code), { ...gone, engineIsBack: true }, { goal: "complete" }).conditions;
    expect([seen(0).length, seen(143).length]).toEqual([0, 1]);
  });

  it("that somebody else ended and nobody starts again says so; Belay's own stops are no matter", () => {
    const one = container("1", { labels: fresh, state: { ...EXITED, FinishedAt: "2026-01-01T10:00:05Z" } });
    const noteOf = () => ({ killed: { signal: 9, at: 7_900 }, died: { code: 137, at: 8_000 } });
    expect(see(one, { noteOf })).toMatchObject({
      endedBy: "engine",
      conditions: [{ type: "drifted", message: "somebody else ended shop-web-1 (signal 9)" }],
    });
    expect(see(one, { noteOf, now: 9_999 })).toMatchObject({ endedBy: "engine", conditions: [] });
    expect(see(one, { noteOf, stopping: new Set(["1"]) }).conditions).toEqual([]);
    expect(see(one, { noteOf, restarted: new Map([["1", 1]]) }).conditions).toEqual([]);
    expect(see(container("1", { state: EXITED }), { noteOf }).conditions).toEqual([]);
    expect(see(one)).toMatchObject({ endedBy: "self", conditions: [] });
    expect(see(one, { noteOf }, { goal: "complete" })).toMatchObject({ endedBy: "self", conditions: [] });
  });

  it("that waits for its restart has no health, whatever the engine calls it then", () => {
    const Health = { Status: "unhealthy", FailingStreak: 0 } as const;
    const restarting = container("1", { state: { Status: "restarting", Running: true, Restarting: true, Health } });
    expect(see(restarting).containers?.[0]).toMatchObject({ state: "restarting", health: "none" });
    const running = container("1", { state: { Health } });
    expect(see(running).containers?.[0]).toMatchObject({ state: "running", health: "unhealthy" });
  });

  it("that could not be started says why, as the engine's doing", () => {
    const state = { Status: "created", Running: false, ExitCode: 127, Error: "exec: no such file" } as const;
    expect(see(container("1", { state, labels: fresh }))).toMatchObject({
      ready: false,
      phase: "current",
      containers: [{ state: "waiting", lastExit: { code: 127, error: "exec: no such file" } }],
      conditions: [{ type: "start_failed", message: "shop-web-1: exec: no such file" }],
    });
    expect(see(container("1", { state })).conditions).toEqual([]);
  });

  it("that runs once is ready when it has ended well", () => {
    const goal = { goal: "complete" } as const;
    const done = { ...EXITED, FinishedAt: "2026-01-01T10:00:05Z" };
    expect(see(container("1", { state: done }), {}, goal).ready).toBe(true);
    expect(see(container("1", { state: { ...done, ExitCode: 1 } }), {}, goal).ready).toBe(false);
    expect(see(container("1"), {}, goal).ready).toBe(false);
  });

  it("has the digests that this engine knows, and the conditions that no container shows", () => {
    const conditions = new Map<string, Condition[]>([["web", [{ type: "image_unavailable", message: "gone" }]]]);
    const seen = see(container("1"), { conditions, digests: new Map([["sha256:aa", ["sha256:bb"]]]) });
    expect(seen.containers?.[0]?.digests).toEqual(["sha256:bb"]);
    expect(seen.conditions).toEqual([{ type: "image_unavailable", message: "gone" }]);
  });
});
