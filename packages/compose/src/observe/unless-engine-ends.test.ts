import { BelayError } from "@belay/core";
import { EngineError } from "@belay/docker";
import { FakeClock } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { type EngineSigns, unlessEngineEnds } from "./unless-engine-ends.ts";

const refusal = new EngineError("ENGINE_ERROR", 409, "it is not running", {
  doing: "asking",
  got: "it is not running",
});
const NOW = 1_000_000;

async function endOf(signs: Partial<EngineSigns>, error: Error = refusal): Promise<unknown> {
  const clock = new FakeClock();
  // As the target's are: getters and methods of a class.
  const all = new (class implements EngineSigns {
    get gaps() {
      return signs.gaps ?? [];
    }
    get lastTold() {
      return signs.lastTold;
    }
    allTold(at: number): boolean {
      return signs.allTold?.(at) ?? false;
    }
  })();
  const engineNow = () => NOW + clock.now();
  const ended = unlessEngineEnds({ clock, engineNow, signs: all }, () => Promise.reject(error)).catch((one) => one);
  await clock.advance(2_000);
  return ended;
}

const away = expect.objectContaining({ code: "ENGINE_UNREACHABLE", doing: "asking", cause: refusal });

describe("what an engine refuses", () => {
  it("says nothing when it ends: it has told all containers to, or its events have ended", async () => {
    expect(await endOf({ lastTold: NOW - 100, allTold: (at) => at === NOW - 100 })).toEqual(away);
    expect(await endOf({ gaps: [{ from: NOW - 5 }] })).toEqual(away);
    expect(await endOf({ gaps: [{ from: NOW - 5, to: NOW + 20 }] })).toEqual(away);
  });

  it("says nothing either when it shows that a moment later", async () => {
    let asked = 0;
    expect(await endOf({ lastTold: NOW, allTold: () => ++asked > 3 })).toEqual(away);
  });

  it.each<[string, Partial<EngineSigns>]>([
    ["it goes on", {}],
    ["one of its containers was told to end", { lastTold: NOW - 100 }],
    ["all were told to, long ago", { lastTold: NOW - 60_000, allTold: () => true }],
    ["its events had ended before", { gaps: [{ from: NOW - 90, to: NOW - 80 }] }],
  ])("counts when %s", async (_, signs) => {
    expect(await endOf(signs)).toBe(refusal);
  });

  it("is what it is when something else went wrong", async () => {
    const error = new BelayError("PROCESS_FAILED", { doing: "asking", got: "no" });
    expect(await endOf({ gaps: [{ from: NOW }] }, error)).toBe(error);
  });
});

it("what the engine does is done", async () => {
  const signs = { gaps: [], lastTold: undefined, allTold: () => true };
  const around = { clock: new FakeClock(), engineNow: () => NOW, signs };
  expect(await unlessEngineEnds(around, async () => "done")).toBe("done");
});
