import { changePermit } from "@belay/core";
import { expect, it } from "vitest";
import { observeTarget } from "./observe-target.ts";

const { signal } = new AbortController();
const target = {
  observe: async () => {
    // As a client of an engine does, after a wait.
    await Promise.resolve();
    changePermit()();
    return { at: 0, services: [], probes: [] };
  },
};

it("what a look changes by the way is asked of the tenure, where there is one", async () => {
  const mayChangeInPassing = (): void => {
    throw new Error("the last proof is too old");
  };
  await expect(observeTarget(target, [], { tenure: { mayChangeInPassing }, signal })).rejects.toThrow("too old");
  await observeTarget(target, [], { tenure: { mayChangeInPassing: () => undefined }, signal });
  await observeTarget(target, [], { tenure: undefined, signal });
});
