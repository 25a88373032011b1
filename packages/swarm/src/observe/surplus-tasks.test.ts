import { expect, it } from "vitest";
import { OTHER_IMAGE, task } from "../testing/tasks.ts";
import { surplusTasks } from "./surplus-tasks.ts";

const surplus = (...tasks: ReturnType<typeof task>[]) =>
  surplusTasks(tasks, ({ Spec }) => Spec.ContainerSpec?.Image ?? "").map(({ ID }) => ID);

it("all but the youngest of a slot's tasks of one spec are too many", () => {
  const [old, young] = [task({ id: "old", state: "running" }), task({ id: "young", state: "starting", at: 1 })];
  expect(surplus(young, old)).toEqual(["old"]);
  expect(surplus(old, task({ state: "running", slot: 2 }))).toEqual([]);
});

it("an old release beside its successor is not, nor is what ends, has ended or waits for its turn", () => {
  const young = task({ id: "young", state: "running", at: 1 });
  expect(surplus(task({ state: "running", image: OTHER_IMAGE }), young)).toEqual([]);
  expect(surplus(task({ state: "running", desired: "shutdown" }), young)).toEqual([]);
  expect(surplus(task({ state: "failed" }), young)).toEqual([]);
  expect(surplus(task({ state: "ready", desired: "ready" }), young)).toEqual([]);
});
