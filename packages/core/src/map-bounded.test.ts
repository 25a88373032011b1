import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { mapBounded } from "./index.ts";

describe("bounded parallel work", () => {
  it("keeps the order of the items and never more at a time than it may", async () => {
    let running = 0;
    let most = 0;
    const results = await mapBounded([5, 1, 4, 2, 3], 2, undefined, async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item; turn++) await setImmediate();
      running--;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
    expect(await mapBounded([], 2, undefined, async () => 1)).toEqual([]);
  });

  it("throws the first failure once all have ended, and begins nothing after it", async () => {
    const seen: string[] = [];
    const work = mapBounded(["fails", "runs", "never"], 2, undefined, async (item, signal) => {
      if (item === "fails") throw new Error("first");
      seen.push(item);
      while (!signal.aborted) await setImmediate();
      seen.push("ended");
      throw new Error("second");
    });
    await expect(work).rejects.toThrow("first");
    expect(seen).toEqual(["runs", "ended"]);
  });

  it("ends with the caller's signal", async () => {
    const stop = new AbortController();
    const work = mapBounded([1, 2], 1, stop.signal, async () => stop.abort(new Error("cancelled")));
    await expect(work).rejects.toThrow("cancelled");
  });
});
