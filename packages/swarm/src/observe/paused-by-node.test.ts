import { expect, it } from "vitest";
import { node, service, task } from "../testing/tasks.ts";
import { pausedByNode } from "./paused-by-node.ts";

const paused = service({
  UpdateStatus: { State: "paused", Message: "update paused due to failure or early termination of task named1" },
});
const here = [node("here")];
const failed = task({ id: "named1", state: "failed", exitCode: 1 });
const CANCELED = "failed to lookup digest: Canceled: context canceled";
const brokenOff = task({ id: "named1", state: "rejected", err: CANCELED });
const none = new Set<string>();
const ofNode = { nodes: here, leaving: none, excused: none };
const excusing = { ...ofNode, excused: new Set(["named1"]) };

it("a pause is a node's when the task ended with its node, or was told to end: the update may go on", () => {
  const goesOn = { task: failed, mayGoOn: true };
  expect(pausedByNode(paused, [failed], ofNode)).toBeUndefined();
  const drained = [node("here", { availability: "drain" })];
  expect(pausedByNode(paused, [failed], { ...ofNode, nodes: drained })).toEqual(goesOn);
  expect(pausedByNode(paused, [failed], { ...ofNode, nodes: [node("other")] })).toEqual(goesOn);
  expect(pausedByNode(paused, [failed], { ...ofNode, leaving: new Set(["named1"]) })).toEqual(goesOn);
  const told = task({ id: "named1", state: "shutdown", desired: "shutdown" });
  expect(pausedByNode(paused, [told], ofNode)).toEqual({ task: told, mayGoOn: true });
  expect(pausedByNode(paused, [brokenOff], { ...ofNode, nodes: drained })?.mayGoOn).toBe(true);
});

it("it is also when the node broke off its start, and goes on once another task runs in its place", () => {
  const mayGoOn = (...others: Parameters<typeof task>[0][]) =>
    pausedByNode(paused, [brokenOff, ...others.map(task)], excusing)?.mayGoOn;
  expect(mayGoOn()).toBe(false);
  expect(mayGoOn({ state: "preparing", at: 5 }, { state: "running", slot: 2, at: 5 })).toBe(false);
  // The order start-first keeps the old one, which the update would take away.
  expect(mayGoOn({ state: "running", at: -600 }, { state: "ready", at: 5 })).toBe(false);
  expect(mayGoOn({ state: "running", at: -600 }, { state: "running", at: 5 })).toBe(true);
});

it("nothing else is, nor a start that is broken off for so long that it is not excused any more", () => {
  expect(pausedByNode(paused, [brokenOff], ofNode)).toBeUndefined();
  // An update that goes on takes the next old task away: what may last must not let it.
  const overlap = "invalid pool request: Pool overlaps with other one on this address space";
  expect(pausedByNode(paused, [task({ id: "named1", state: "rejected", err: overlap })], excusing)).toBeUndefined();
  expect(pausedByNode(service(), [failed], { ...ofNode, nodes: [] })).toBeUndefined();
  expect(pausedByNode(paused, [task({ id: "other", state: "shutdown" })], ofNode)).toBeUndefined();
});
