import type { EngineEvent } from "@belay/docker";
import { expect, it } from "vitest";
import { ContainerNotes } from "./container-notes.ts";

/** Milliseconds, what happened, and with which exit code. */
type Told = readonly [at: number, action: string, exitCode?: number];

function deathOf(...told: readonly Told[]) {
  const notes = new ContainerNotes();
  for (const [at, Action, exitCode] of told) {
    const Attributes = exitCode === undefined ? {} : { exitCode: `${exitCode}` };
    notes.take({ Type: "container", Action, Actor: { ID: "web", Attributes }, timeNano: at * 1e6 } as EngineEvent);
  }
  return notes.of("web").died;
}

it("a container died for want of memory when the kernel says so in the same moment, in either order", () => {
  const oom = { code: 137, at: 20, oomKilled: true };
  expect(deathOf([0, "start"], [10, "oom"], [20, "die", 137])).toEqual(oom);
  expect(deathOf([0, "start"], [10, "oom"], [20, "die", 137], [40, "start"])).toEqual(oom);
  expect(deathOf([0, "start"], [20, "die", 137], [30, "oom"])).toEqual(oom);
  expect(deathOf([0, "start"], [20, "die", 137], [25, "start"], [30, "oom"])).toEqual(oom);
});

it("and not by a process of it that was killed long before, by another end, or in another life", () => {
  expect(deathOf([0, "start"], [10, "oom"], [5_000, "die", 137])).toEqual({ code: 137, at: 5_000 });
  expect(deathOf([0, "start"], [10, "oom"], [20, "die", 1])).toEqual({ code: 1, at: 20 });
  expect(deathOf([0, "oom"], [10, "start"], [20, "die", 137])).toEqual({ code: 137, at: 20 });
});

it("of those that were removed only the last thousand are remembered, of others all", () => {
  const notes = new ContainerNotes();
  const tell = (ID: string, Action: string) =>
    notes.take({ Type: "container", Action, Actor: { ID, Attributes: { signal: "15" } }, time: 0, timeNano: 1e6 });
  const isKnown = (id: string): boolean => notes.of(id).killed !== undefined;
  tell("there", "kill");
  tell("unlisted", "kill");
  for (let index = 0; index < 1_003; index++) {
    tell(`gone-${index}`, "kill");
    tell(`gone-${index}`, "destroy");
  }
  notes.tidy(new Set(["there"]));
  expect(["there", "unlisted", "gone-3", "gone-1002"].filter(isKnown)).toHaveLength(4);
  expect(["gone-0", "gone-1", "gone-2"].filter(isKnown)).toEqual([]);
});
