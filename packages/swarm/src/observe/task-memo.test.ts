import type { Task } from "@belay/docker";
import { describe, expect, it } from "vitest";
import { OTHER_IMAGE, task } from "../testing/tasks.ts";
import { TaskMemo } from "./task-memo.ts";
import { taskRevision } from "./task-revision.ts";
import { type TaskKnowledge, translateTask } from "./translate-task.ts";

const NETWORKS = new Map([["n1", "front"]]);
const one = task({ id: "a", state: "running" });
const local = {};
const known: TaskKnowledge = {
  revision: "r",
  title: "shop_web.1.a",
  goal: "run",
  newest: true,
  leaving: false,
  local,
  oom: false,
};

/** As it comes with the next list. */
function again(of: Task, change: Partial<Task> = {}): Task {
  return { ...structuredClone(of), ...change };
}

describe("what was made of a task", () => {
  it("is the same while its version is, and what a translation would give", () => {
    const memo = new TaskMemo();
    const first = memo.instanceOf(one, known, NETWORKS);
    expect(first).toEqual(translateTask(one, known));
    expect(memo.instanceOf(again(one), { ...known }, NETWORKS)).toBe(first);
    expect(memo.revisionOf(one, NETWORKS)).toBe(taskRevision(one.Spec, NETWORKS));
  });

  it("is made anew when the manager has changed the task", () => {
    const memo = new TaskMemo();
    memo.instanceOf(one, known, NETWORKS);
    const ended = again(one, { Version: { Index: one.Version.Index + 1 }, Status: { State: "failed" } });
    expect(memo.instanceOf(ended, known, NETWORKS)).toEqual(translateTask(ended, known));
    const ContainerSpec = { ...one.Spec.ContainerSpec, Image: OTHER_IMAGE };
    const other = again(ended, { Version: { Index: 99 }, Spec: { ...one.Spec, ContainerSpec } });
    expect(memo.revisionOf(other, NETWORKS)).toBe(taskRevision(other.Spec, NETWORKS));
    expect(memo.revisionOf(other, NETWORKS)).not.toBe(taskRevision(one.Spec, NETWORKS));
  });

  it("is hashed anew when networks got their names", () => {
    const memo = new TaskMemo();
    const attached = again(one, { Spec: { ...one.Spec, Networks: [{ Target: "n2" }] } });
    const before = memo.revisionOf(attached, NETWORKS);
    const renewed = new Map([...NETWORKS, ["n2", "back"]]);
    expect(memo.revisionOf(attached, renewed)).toBe(taskRevision(attached.Spec, renewed));
    expect(memo.revisionOf(attached, renewed)).not.toBe(before);
  });

  it.each<[string, Partial<TaskKnowledge>]>([
    ["revision", { revision: "other" }],
    ["title", { title: "other" }],
    ["goal", { goal: "complete" }],
    ["place of the youngest", { newest: false }],
    ["way out", { leaving: true }],
    ["events", { local: { exitCode: 3 } }],
    ["end for lack of memory", { oom: true }],
  ])("is made anew when its %s is known otherwise", (_what, change) => {
    const memo = new TaskMemo();
    const failed = again(one, { Status: { State: "failed" } });
    const first = memo.instanceOf(failed, known, NETWORKS);
    const second = memo.instanceOf(failed, { ...known, ...change }, NETWORKS);
    expect(second).not.toBe(first);
    expect(second).toEqual(translateTask(failed, { ...known, ...change }));
  });

  it("is forgotten with tasks that are listed no more", () => {
    const memo = new TaskMemo();
    const tasks = ["a", "b", "c", "d"].map((id) => task({ id, state: "running" }));
    const ids = (count: number) => new Set(tasks.slice(0, count).map(({ ID }) => ID));
    for (const each of tasks) memo.keep(each);
    const made = tasks.map((each) => memo.instanceOf(each, known, NETWORKS));
    memo.tidy(ids(2));
    expect(memo.instanceOf(tasks[3] as Task, known, NETWORKS)).toBe(made[3]);
    expect(memo.task("d")).toEqual(tasks[3]);
    memo.tidy(ids(1));
    expect(memo.task("a")).toEqual(tasks[0]);
    expect(memo.task("d")).toBeUndefined();
    expect(memo.instanceOf(tasks[0] as Task, known, NETWORKS)).toBe(made[0]);
    expect(memo.instanceOf(tasks[3] as Task, known, NETWORKS)).not.toBe(made[3]);
  });
});
