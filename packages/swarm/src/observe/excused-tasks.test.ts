import { describe, expect, it } from "vitest";
import { task } from "../testing/tasks.ts";
import { excusedTasks } from "./excused-tasks.ts";

const OVERLAP = "invalid pool request: Pool overlaps with other one on this address space";
const INTERRUPTED = [
  "failed to read config content: rpc error: code = Canceled desc = context canceled",
  "failed to lookup digest: Canceled: context canceled",
  "rpc error: code = Canceled desc = context canceled",
];

const refused = (at = 0, err = OVERLAP, slot = 1) => task({ state: "rejected", err, at, slot });
const fresh = () => ({ again: new Map<string, number>(), refusedSince: new Map<string, number>() });

describe("a refused task", () => {
  it.for([OVERLAP, ...INTERRUPTED])("is excused for %s", (err) => {
    const one = refused(0, err);
    expect(excusedTasks([one], fresh())).toEqual(new Set([one.ID]));
  });

  it("is not for anything else, nor one that has had a container", () => {
    const others = [refused(0, "No such image: shop"), task({ state: "failed", err: "context canceled" })];
    expect(excusedTasks(others, fresh())).toEqual(new Set());
  });

  it("is not when it lasts, also when the first ones are not listed any more", () => {
    const known = fresh();
    const tasks = [0, 20, 40, 59, 60].map((at) => refused(at));
    expect(excusedTasks(tasks.slice(0, 2), known).size).toBe(2);
    expect(excusedTasks(tasks.slice(2), known)).toEqual(new Set([tasks[2]?.ID, tasks[3]?.ID]));
  });

  it("is for each slot, and anew after a task came up there", () => {
    const known = fresh();
    excusedTasks([refused(0), refused(0, OVERLAP, 2)], known);
    excusedTasks([task({ state: "running", at: 5 })], known);
    const late = refused(60);
    expect(excusedTasks([late, refused(60, OVERLAP, 2)], known)).toEqual(new Set([late.ID]));
  });

  it("is not when it lasts while the old task goes on running, as with the order start-first", () => {
    const known = fresh();
    const old = task({ state: "running", at: -600 });
    expect(excusedTasks([refused(0), old], known).size).toBe(1);
    expect(excusedTasks([refused(30), old], known).size).toBe(1);
    expect(excusedTasks([refused(60), old], known)).toEqual(new Set());
  });

  it("is the same in whatever order the tasks are listed", () => {
    const tasks = [60, 20, 0].map((at) => refused(at));
    expect(excusedTasks(tasks, fresh())).toEqual(new Set([tasks[1]?.ID, tasks[2]?.ID]));
  });

  it("is also when the slot got over earlier refusals that are still listed", () => {
    const earlier = [refused(-900), task({ state: "shutdown", exitCode: 0, at: -895 })];
    const tasks = [...earlier, refused(0), task({ state: "preparing", at: 5 })];
    expect(excusedTasks(tasks, fresh())).toEqual(new Set([tasks[0]?.ID, tasks[2]?.ID]));
  });

  it("is when its node broke off its start, which is a matter of chance and has a minute of its own", () => {
    const known = fresh();
    excusedTasks([refused(0)], known);
    const late = [600, 659, 660].map((at) => refused(at, INTERRUPTED[0]));
    expect(excusedTasks(late, known)).toEqual(new Set([late[0]?.ID, late[1]?.ID]));
  });

  it("of what runs once is only when it was run again", () => {
    const one = refused();
    const once = { ...one, Spec: { ...one.Spec, RestartPolicy: { Condition: "none" } as const } };
    expect(excusedTasks([once], fresh())).toEqual(new Set());
    expect(excusedTasks([once], { ...fresh(), again: new Map([[one.ID, 1]]) })).toEqual(new Set([one.ID]));
  });
});
