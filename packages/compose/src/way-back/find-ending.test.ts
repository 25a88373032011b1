import type { EngineEvent } from "@belay/docker";
import { describe, expect, it } from "vitest";
import { container, EXITED } from "../testing/containers.ts";
import { isStopOf, longestGraceMs } from "./find-ending.ts";

const kill = (signal: string, at: string, id = "1"): EngineEvent => ({
  ...{ Type: "container", Action: "kill", time: 0, timeNano: Date.parse(at) * 1e6 },
  Actor: { ID: id, Attributes: { signal } },
});
const LATER = "2026-01-01T10:00:02Z";

describe("a container that was told to end", () => {
  it.each([
    ["SIGTERM after its start", kill("15", LATER), {}, true],
    ["SIGKILL", kill("9", LATER), {}, true],
    ["its own stop signal", kill("10", LATER), { StopSignal: "SIGUSR1" }, true],
    ["its own stop signal by its short name", kill("3", LATER), { StopSignal: "QUIT" }, true],
    ["SIGHUP, which means something else", kill("1", LATER), {}, false],
    ["SIGTERM before it was started again", kill("15", "2026-01-01T10:00:00Z"), {}, false],
    ["SIGTERM to another", kill("15", LATER, "2"), {}, false],
  ])("%s", (_, event, config, expected) => {
    expect(isStopOf(event, container("1", { config }))).toBe(expected);
  });

  it("takes as long as the longest grace period of those that run, 10 s by default", () => {
    const dead = container("3", { config: { StopTimeout: 900 }, state: EXITED });
    expect(longestGraceMs([container("1"), container("2", { config: { StopTimeout: 5 } }), dead])).toBe(10_000);
    expect(longestGraceMs([container("1"), container("2", { config: { StopTimeout: 300 } })])).toBe(300_000);
  });
});
