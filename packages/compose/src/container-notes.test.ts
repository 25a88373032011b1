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

it("those that were removed are forgotten once they are many, and no others", () => {
  const notes = new ContainerNotes();
  const tell = (ID: string, Action: string) =>
    notes.take({ Type: "container", Action, Actor: { ID, Attributes: { signal: "15" } }, time: 0, timeNano: 1e6 });
  const known = (ids: readonly string[]) => ids.filter((id) => notes.of(id).killed !== undefined).length;
  const gone = Array.from({ length: 1_001 }, (_, index) => `gone-${index}`);
  tell("there", "kill");
  tell("unlisted", "kill");
  for (const id of gone.slice(1)) {
    tell(id, "kill");
    tell(id, "destroy");
  }
  notes.tidy(new Set(["there"]));
  expect(known(gone)).toBe(1_000);
  tell("gone-0", "kill");
  tell("gone-0", "destroy");
  notes.tidy(new Set());
  expect(known([...gone, "there", "unlisted"])).toBe(2);
});
