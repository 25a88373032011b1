import type { Service } from "@belay/docker";
import { describe, expect, it } from "vitest";
import { forceFor } from "./run-again.ts";
import { service, spec, task } from "./testing/tasks.ts";

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
