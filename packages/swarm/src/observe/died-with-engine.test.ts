import { expect, it } from "vitest";
import { task } from "../testing/tasks.ts";
import { diedWithEngine } from "./died-with-engine.ts";
import type { LocalTask } from "./task-watch.ts";

const after = (local: LocalTask = {}) => ({ node: "here", watch: { wasBroken: true, local: () => local } });
const never = { node: "here", watch: { wasBroken: false, local: () => ({}) } };

const killed = task({ state: "failed", err: "task: non-zero exit (255)", exitCode: 255 });
const stopped = task({ state: "failed", err: "No such container: shop_web.1.x", exitCode: 0 });

it("a task ended with its engine when nobody saw its end, and the engine was away", () => {
  expect(diedWithEngine(killed, after())).toBe(true);
  expect(diedWithEngine(stopped, after())).toBe(true);
  expect(diedWithEngine(killed, never)).toBe(false);
});

it("so did one whose container was there again, ended as it was told to", () => {
  const told = [
    task({ state: "complete", exitCode: 0 }),
    ...[130, 143, 137].map((exitCode) => task({ state: "failed", err: `task: non-zero exit (${exitCode})`, exitCode })),
  ];
  for (const one of told) {
    expect(diedWithEngine(one, after())).toBe(true);
    expect(diedWithEngine(one, never)).toBe(false);
    expect(diedWithEngine(one, after({ exitCode: one.Status.ContainerStatus?.ExitCode ?? 0 }))).toBe(false);
  }
});

it("what is to end by itself did not, unless it was killed with its engine", () => {
  const done = task({ state: "complete", exitCode: 0, iteration: 1 });
  expect(diedWithEngine(done, after())).toBe(false);
  expect(diedWithEngine({ ...killed, JobIteration: { Index: 1 } }, after())).toBe(true);
  const once = { ...done.Spec, RestartPolicy: { Condition: "none" } } as const;
  const { JobIteration: _, ...plain } = done;
  expect(diedWithEngine({ ...plain, Spec: once }, after())).toBe(false);
  expect(diedWithEngine({ ...plain, Spec: once, Status: killed.Status }, after())).toBe(true);
});

it("one that never had a container did not", () => {
  const err = "starting container failed: no space left on device";
  expect(diedWithEngine(task({ state: "failed", err, exitCode: 0 }), after())).toBe(false);
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
