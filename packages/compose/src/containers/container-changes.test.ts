import { setImmediate as settled } from "node:timers/promises";
import { Redactor } from "@belay/core";
import { type CallOptions, type ContainerInspect, type Docker, EngineError, type EngineEvent } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import type { ComposeCli } from "../files/compose-cli.ts";
import { TargetState } from "../target-state.ts";
import { inspectOf } from "../testing/containers.ts";
import { givenEvents, told } from "../testing/given-events.ts";
import { containerOf } from "./compose-container.ts";
import { endAll, removeAll, tellToEnd } from "./container-changes.ts";

/** A minute after it has begun. */
const DIED = "2026-01-01T10:01:01Z";
const died = (id: string) => told(id, "die", DIED, { exitCode: "3" });

/** An engine whose `stop` answers when it is told to. `ahead`: what is told to end before all of them are ended, and what happens between. */
async function engine(
  containers: readonly ContainerInspect[],
  ahead: readonly ContainerInspect[] = [],
  meanwhile: readonly EngineEvent[] = [],
) {
  const calls: string[] = [];
  const answers = new Map(containers.map(({ Id }) => [Id, Promise.withResolvers<void>()]));
  const { events, give } = givenEvents();
  const docker = {
    events,
    containers: {
      stop: async (id: string, _: object, { signal }: CallOptions) => {
        calls.push(`stop ${id}`);
        const aborted = Promise.withResolvers<never>();
        signal?.addEventListener("abort", () => aborted.reject(signal.reason));
        await Promise.race([answers.get(id)?.promise, aborted.promise]);
        calls.push(`stopped ${id}`);
      },
      remove: async (id: string) => void calls.push(`remove ${id}`),
    },
  } as unknown as Docker;
  const clock = { now: () => 0, date: () => new Date(0), sleep: () => new Promise<void>(() => undefined) };
  const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
  const options = {
    ...{ docker, scope, clock, projectDirectory: "/", files: [], env: {}, services: { web: { name: "web" } } },
    ...{ log: createTestLog(), redactor: new Redactor(), runner: () => Promise.reject(new Error("nothing runs")) },
  };
  const state = new TargetState(options, {} as ComposeCli, { at: Date.parse(DIED), now: 0 });
  await state.watch.open();
  for (const one of ahead.map(containerOf)) void tellToEnd(state, one);
  give(...meanwhile);
  await settled();
  const stop = new AbortController();
  const ended = endAll(state, containers.map(containerOf), stop.signal);
  await settled();
  return { calls, give, answers, ended, stop };
}

describe("what is ended", () => {
  it("is removed as soon as it has stopped", async () => {
    const { calls, give, answers, ended } = await engine([inspectOf("1"), inspectOf("2")]);
    expect(calls).toEqual(["stop 1", "stop 2"]);
    // The signal has reached it: the engine does not start it again, and says when it has cleaned up.
    give(told("1", "kill", DIED, { signal: "15" }), died("1"));
    await settled();
    expect(calls).toEqual(["stop 1", "stop 2"]);
    for (const answer of answers.values()) answer.resolve();
    await ended;
    expect(calls.slice(2)).toEqual(["stopped 1", "stopped 2", "remove 1", "remove 2"]);
  });

  it("is removed without waiting for the stop when it crashes before the signal has reached it", async () => {
    const { calls, give, answers, ended } = await engine([inspectOf("1"), inspectOf("2")]);
    give(died("2"));
    await settled();
    expect(calls).toEqual(["stop 1", "stop 2", "remove 2"]);
    answers.get("1")?.resolve();
    await ended;
    expect(calls.slice(3)).toEqual(["stopped 1", "remove 1"]);
  });

  it("is not told twice, unless it could not be told, and is not waited for any more when it has crashed", async () => {
    const three = ["1", "2", "3"].map((id) => inspectOf(id));
    const { calls, give, answers, ended } = await engine(three, three);
    expect(calls).toEqual(["stop 1", "stop 2", "stop 3"]);
    answers.get("1")?.resolve();
    answers.get("2")?.reject(new Error("the engine is busy"));
    const again = Promise.withResolvers<void>();
    answers.set("2", again);
    give(died("3"));
    await settled();
    expect(calls.slice(3).sort()).toEqual(["remove 1", "remove 3", "stop 2", "stopped 1"]);
    again.resolve();
    await ended;
    expect(calls.slice(-2)).toEqual(["stopped 2", "remove 2"]);
  });

  it("gets no grace where it has crashed before it could be told, and the engine was faster", async () => {
    const again = inspectOf("1", { state: { StartedAt: "2026-01-01T10:01:00Z" } });
    const start = told("1", "start", "2026-01-01T10:01:02Z");
    const { calls, ended } = await engine([again], [again], [died("1"), start]);
    await ended;
    expect(calls).toEqual(["stop 1", "remove 1"]);
  });

  it("is left as it is once the way back is cut off, or the engine refuses to stop it", async () => {
    const cut = await engine([inspectOf("1")]);
    cut.stop.abort();
    cut.give(died("1"));
    await expect(cut.ended).rejects.toThrow("abort");
    const refused = await engine([inspectOf("1")]);
    refused.answers.get("1")?.reject(new Error("the engine is busy"));
    await expect(refused.ended).rejects.toThrow("the engine is busy");
    expect([...cut.calls, ...refused.calls]).toEqual(["stop 1", "stop 1"]);
  });
});

describe("a removal", () => {
  /** What came of it when the engine answers like this, one after the other, and how often it was asked. */
  async function removed(...answers: readonly number[]): Promise<readonly [end: unknown, asked: number]> {
    const left = [...answers];
    let asked = 0;
    const remove = async (): Promise<void> => {
      asked++;
      const status = left.shift() ?? 204;
      if (status < 300) return;
      throw new EngineError("ENGINE_ERROR", status, "no", { doing: "removing it", got: `${status}` });
    };
    const clock = { sleep: async () => undefined };
    const state = { docker: { containers: { remove } }, options: { clock } } as unknown as TargetState;
    const end = await removeAll(state, [{ id: "1" }], new AbortController().signal).catch((error) => error.status);
    return [end, asked];
  }

  it("is asked for again a few times when the engine could not, and then fails with what it says", async () => {
    expect(await removed(500, 500)).toEqual([undefined, 3]);
    expect(await removed(500, 500, 500, 500, 500)).toEqual([500, 5]);
  });

  it("is done when it has gone, or somebody else is at it, and asked once where the engine refuses it", async () => {
    expect(await removed(404)).toEqual([undefined, 1]);
    expect(await removed(500, 409)).toEqual([undefined, 2]);
    expect(await removed(403)).toEqual([403, 1]);
  });
});
