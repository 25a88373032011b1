import type { Service, Task } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { service, spec, task } from "../testing/tasks.ts";
import { type Attempts, forceFor, runAgain } from "./run-again.ts";

const refused = () =>
  task({ state: "rejected", err: "invalid pool request: Pool overlaps with other one on this address space" });

function oneShot(ForceUpdate = 0, Condition: "none" | "any" = "none"): Service {
  const { TaskTemplate } = spec();
  return service({ Spec: spec({ TaskTemplate: { ...TaskTemplate, ForceUpdate, RestartPolicy: { Condition } } }) });
}

describe("what runs once and met the network of a removed stack", () => {
  it("is run again", () => {
    expect(forceFor(oneShot(), [refused()], new Map())).toBe(1);
    expect(forceFor(oneShot(4), [refused(), refused()], new Map())).toBe(5);
  });

  it("is run again also when its next task was broken off by its node", () => {
    const brokenOff = task({ state: "rejected", err: "Canceled: context canceled" });
    expect(forceFor(oneShot(1), [refused(), brokenOff], new Map())).toBe(2);
  });

  it("is run again once for each time, and once more when that did not arrive", () => {
    const one = refused();
    const again = new Map([[one.ID, 1]]);
    expect(forceFor(oneShot(1), [one], again)).toBeUndefined();
    expect(forceFor(oneShot(0), [one], again)).toBe(1);
    expect(forceFor(oneShot(1), [one, refused()], again)).toBe(2);
  });

  it.for(["new", "running", "complete", "failed"] as const)("is not when one of its tasks is %s", (state) => {
    expect(forceFor(oneShot(), [refused(), task({ state })], new Map())).toBeUndefined();
  });

  it("is not for another reason, nor without a task, nor where the engine does so by itself", () => {
    const other = task({ state: "rejected", err: "No such image: shop" });
    expect(forceFor(oneShot(), [other], new Map())).toBeUndefined();
    expect(forceFor(oneShot(), [], new Map())).toBeUndefined();
    expect(forceFor(oneShot(0, "any"), [refused()], new Map())).toBeUndefined();
  });
});

/** An engine whose node refuses every task for the same reason, with a look each `lookMs` until the last task is left as it is. */
async function refuseAll(lookMs: number) {
  let now = 1_000;
  let shown = oneShot();
  const tasks: Task[] = [refused()];
  const update = async (_id: string, _version: unknown, spec: Service["Spec"]): Promise<void> => {
    shown = service({ Spec: spec });
    tasks.push(refused());
  };
  const state = {
    ...{ again: new Map<string, number>(), attempts: new Map<string, Attempts>() },
    ...{ revisionInForce: () => "one", revisionOfTask: () => "one" },
    docker: { services: { update } },
    options: {
      log: createTestLog(),
      clock: { now: () => now, date: () => new Date(now), sleep: async () => undefined },
    },
  };
  for (let looks = 0; looks < 1_000; looks++) {
    // The reaper leaves the last few.
    await runAgain(state, shown, tasks.slice(-5), AbortSignal.timeout(60_000));
    now += lookMs;
  }
  const isLeft = !state.again.has(tasks.at(-1)?.ID ?? "");
  return { times: tasks.length - 1, isLeft, told: tasks.slice(0, -1).every(({ ID }) => state.again.has(ID)) };
}

describe("what runs once and is refused for good", () => {
  it.for([
    ["for half a minute", 1_000, 30],
    ["at least ten times, where each takes long", 20_000, 10],
  ] as const)("is run again %s, and then is left as it was refused last", async ([, lookMs, times]) => {
    expect(await refuseAll(lookMs)).toEqual({ times, isLeft: true, told: true });
  });
});
