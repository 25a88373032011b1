import { expect, it } from "vitest";
import { diedWithEngine } from "./died-with-engine.ts";
import type { LocalTask } from "./task-watch.ts";
import { task } from "./testing/tasks.ts";

const after = (local: LocalTask = {}) => ({ node: "here", watch: { wasBroken: true, local: () => local } });
const never = { node: "here", watch: { wasBroken: false, local: () => ({}) } };

const killed = task({ state: "failed", err: "task: non-zero exit (255)", exitCode: 255 });
const stopped = task({ state: "failed", err: "No such container: shop_web.1.x", exitCode: 0 });

it("a task ended with its engine when nobody saw its end, and the engine was away", () => {
  expect(diedWithEngine(killed, after())).toBe(true);
  expect(diedWithEngine(stopped, after())).toBe(true);
  expect(diedWithEngine(killed, never)).toBe(false);
});

it("one that its engine cut off did, however the manager shows it", () => {
  const local = { exitCode: 137, revived: true } as const;
  const watch = { wasBroken: false, local: () => local };
  for (const state of ["running", "failed"] as const)
    expect(diedWithEngine(task({ state, exitCode: 137 }), { node: "here", watch })).toBe(true);
});

it("an application that ended by itself did not", () => {
  expect(diedWithEngine(killed, after({ exitCode: 255 }))).toBe(false);
  expect(diedWithEngine(task({ state: "failed", exitCode: 3 }), after())).toBe(false);
  expect(diedWithEngine(task({ state: "running" }), after())).toBe(false);
});

it("of another node's tasks nothing is known", () => {
  expect(diedWithEngine({ ...killed, NodeID: "there" }, after())).toBe(false);
});
