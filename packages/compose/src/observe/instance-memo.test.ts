import type { Digest, Wanted } from "@belay/core";
import { expect, it } from "vitest";
import { container, EXITED, madeBy } from "../testing/containers.ts";
import { InstanceMemo } from "./instance-memo.ts";
import { type Knowledge, translateInstance } from "./translate-observation.ts";

const wanted: Wanted = { service: "web", goal: "run", desired: 1, revision: "new.7", digests: [] };
const death = { code: 3, at: 5 };
const digests = (id: string): Knowledge["digests"] => new Map([["sha256:aa", [`sha256:${id}` as Digest]]]);
const nothing: Knowledge = {
  ...{ digests: digests("aa"), stopping: new Set(), conditions: new Map(), restarted: new Map() },
  ...{ noteOf: () => ({ died: death }), diedWithEngine: () => false, engineIsBack: false, now: 10_000 },
};
const one = container("1", { labels: madeBy("scope", 7, "new") });

it("an instance is the same object as long as all that it is made of is the same", () => {
  const memo = new InstanceMemo();
  const first = memo.instanceOf(wanted, one, nothing);
  expect(first).toEqual(translateInstance(wanted, one, nothing));
  expect(memo.instanceOf({ ...wanted }, one, { ...nothing, now: 20_000 })).toBe(first);
  expect(memo.instanceOf(wanted, { ...one }, nothing)).not.toBe(first);
});

it.for<[string, Partial<Wanted>, Partial<Knowledge>]>([
  ["another revision is wanted", { revision: "next.8" }, {}],
  ["it should run once", { goal: "complete" }, {}],
  ["it is being stopped", {}, { stopping: new Set(["1"]) }],
  ["Belay has started it again", {}, { restarted: new Map([["1", 7]]) }],
  ["it ended once more", {}, { noteOf: () => ({ died: { code: 4, at: 6 } }) }],
  ["its image has other digests", {}, { digests: digests("bb") }],
])("and what was made of it is made anew when %s", ([, want, more]) => {
  const memo = new InstanceMemo();
  const first = memo.instanceOf(wanted, one, nothing);
  const [now, known] = [
    { ...wanted, ...want },
    { ...nothing, ...more },
  ];
  const second = memo.instanceOf(now, one, known);
  expect(second).not.toBe(first);
  expect(second).toEqual(translateInstance(now, one, known));
});

it("and who ended one is asked each time", () => {
  const memo = new InstanceMemo();
  const ended = container("2", { state: { ...EXITED, ExitCode: 3 }, labels: madeBy("scope", 7, "new") });
  expect(memo.instanceOf(wanted, ended, nothing).endedBy).toBe("self");
  expect(memo.instanceOf(wanted, ended, { ...nothing, diedWithEngine: () => true }).endedBy).toBe("engine");
});
