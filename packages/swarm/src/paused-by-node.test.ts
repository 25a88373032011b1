import { expect, it } from "vitest";
import { pausedByNode } from "./paused-by-node.ts";
import { node, service, task } from "./testing/tasks.ts";

const paused = service({
  UpdateStatus: { State: "paused", Message: "update paused due to failure or early termination of task named1" },
});
const here = [node("here")];
const failed = task({ id: "named1", state: "failed", exitCode: 1 });
const none = new Set<string>();

it("a pause is a node's when the task ended with its node, which also breaks off what it starts, or was told to end", () => {
  expect(pausedByNode(paused, [failed], here, none)).toBeUndefined();
  expect(pausedByNode(paused, [failed], [node("here", { availability: "drain" })], none)).toBe(failed);
  expect(pausedByNode(paused, [failed], [node("other")], none)).toBe(failed);
  expect(pausedByNode(paused, [failed], here, new Set(["named1"]))).toBe(failed);
  const brokenOff = task({
    id: "named1",
    state: "rejected",
    err: "failed to lookup digest: Canceled: context canceled",
  });
  expect(pausedByNode(paused, [brokenOff], here, none)).toBe(brokenOff);
  const told = task({ id: "named1", state: "shutdown", desired: "shutdown" });
  expect(pausedByNode(paused, [told], here, none)).toBe(told);
});

it("nothing else is", () => {
  // An update that goes on takes the next old task away: what may last must not let it.
  const overlap = "invalid pool request: Pool overlaps with other one on this address space";
  expect(pausedByNode(paused, [task({ id: "named1", state: "rejected", err: overlap })], here, none)).toBeUndefined();
  expect(pausedByNode(service(), [failed], [], none)).toBeUndefined();
  expect(pausedByNode(paused, [task({ id: "other", state: "shutdown" })], here, none)).toBeUndefined();
});
