import { describe, expect, it } from "vitest";
import { container, EXITED } from "../testing/containers.ts";
import { endedWithEngine, type Surroundings } from "./ended-with-engine.ts";

const at = (seconds: number): number => Date.parse("2026-01-01T10:01:00Z") + seconds * 1_000;
const ended = (config = {}) =>
  container("1", { config, state: { ...EXITED, FinishedAt: new Date(at(2)).toISOString(), ExitCode: 143 } });
const died = { code: 143, at: at(2) + 30 };
const around = (more: Partial<Surroundings>): Surroundings => ({
  ...{ note: { died }, gaps: [], allTold: () => false, now: at(5), graceMs: 10_000 },
  ...more,
});
const told = (signal = 15, seconds = 1): Surroundings["note"] => ({ died, killed: { signal, at: at(seconds) } });
const gap = (from: number, to?: number) => [{ from: at(from), ...(to === undefined ? {} : { to: at(to) }) }];

describe("a container that has ended", () => {
  it.each<[string, Partial<Surroundings>, boolean]>([
    ["by itself", {}, false],
    ["by itself, some time before its engine went away", { gaps: gap(4, 6) }, false],
    ["because it was told to, and others were not", { note: told() }, false],
    ["because all were told to at once", { note: told(), allTold: (when) => when === at(1) }, true],
    [
      "because all were told to, by somebody whose engine stays",
      { note: told(), allTold: () => true, now: at(60) },
      false,
    ],
    ["because it was told to, before its engine went away", { note: told(), gaps: gap(4, 6), now: at(60) }, true],
    ["because it was told to, long before its engine went away", { note: told(), gaps: gap(40) }, false],
    ["because it was told to, after its engine was away", { note: told(), gaps: gap(-9, -8) }, false],
    ["because it was killed, and its engine went away", { note: told(9), gaps: gap(4, 6) }, false],
    ["unheard, while its engine was away", { note: {}, gaps: gap(1, 4) }, true],
    ["unheard, while its engine still is away", { note: {}, gaps: gap(1) }, true],
    ["unheard, at another time", { note: {}, gaps: gap(-30, -20) }, false],
    ["unheard for the second time", { note: { died: { code: 1, at: at(-40) } }, gaps: gap(1, 4) }, true],
  ])("%s", (_, more, expected) => {
    expect(endedWithEngine(ended(), around(more))).toBe(expected);
  });

  it("was told to by its own stop signal", () => {
    const usr1 = { gaps: gap(4, 6), note: told(10) };
    expect(endedWithEngine(ended({ StopSignal: "SIGUSR1" }), around(usr1))).toBe(true);
    expect(endedWithEngine(ended(), around(usr1))).toBe(false);
  });

  it("that never ran has not ended at all", () => {
    expect(endedWithEngine(container("1"), around({ note: {}, gaps: gap(-1e9) }))).toBe(false);
  });
});
