import type { Wanted } from "@belay/core";
import { describe, expect, it } from "vitest";
import { container, EXITED, madeBy } from "../testing/containers.ts";
import type { ComposeContainer } from "./compose-container.ts";
import { othersDoing, type WayFacts } from "./others-doing.ts";

const WANTED: Wanted = { service: "web", goal: "run", desired: 1, revision: "new.7", digests: [] };
const FACTS: WayFacts = { there: new Set(), ran: new Map(), scope: "scope", isLeaving: () => false };
const fresh = container("2", { labels: madeBy("scope", 7, "new") });
const other = container("1");

const told = (containers: readonly ComposeContainer[], facts: Partial<WayFacts> = {}, wanted: Partial<Wanted> = {}) =>
  othersDoing({ ...WANTED, ...wanted }, containers, { ...FACTS, ...facts }).map(({ message }) => message);

describe("what somebody else does with containers", () => {
  const ran = new Map([["2", "shop-web-2"]]);

  it("is told when one that ran is gone, and may pass", () => {
    expect(othersDoing(WANTED, [], { ...FACTS, ran })).toEqual([
      { type: "drifted", message: "somebody else removed shop-web-2 in between", mayPass: true },
    ]);
  });

  it.each<readonly [string, string[]]>([
    ["it is there", told([fresh], { ran })],
    ["it is Belay that removes it", told([], { ran, isLeaving: (id) => id === "2" })],
    ["as many as are wanted run without it", told([fresh], { ran: new Map([["9", "shop-web-9"]]) })],
    ["it runs once, and its work may be done", told([], { ran }, { goal: "complete" })],
    ["nothing of it ran yet", told([])],
  ])("is nothing as long as %s", (_, messages) => {
    expect(messages).toEqual([]);
  });

  it("is told when one is there that nobody planned with, and Belay has not made", () => {
    expect(told([fresh, other])).toEqual(["somebody else made shop-web-1 in between"]);
    expect(told([other], { ran })).toEqual(["somebody else removed shop-web-2 and made shop-web-1 in between"]);
  });

  it.each<readonly [string, string[]]>([
    ["was there before", told([fresh, other], { there: new Set(["1"]) })],
    ["does not run", told([fresh, container("1", { state: EXITED })])],
    ["another run of Belay made", told([fresh, container("1", { labels: madeBy("scope", 6, "old") })])],
  ])("is nothing when what is beside the wanted ones %s", (_, messages) => {
    expect(messages).toEqual([]);
  });
});
