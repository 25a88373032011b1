import { describe, expect, it } from "vitest";
import { type Clock, retry } from "./index.ts";

/** A clock that only notes how long it was asked to sleep. */
function noting(pauses: number[]): Clock {
  return { now: () => 0, date: () => new Date(0), sleep: async (ms) => void pauses.push(ms) };
}

describe("retry", () => {
  it("tries exactly as often as it says, then throws the last error", async () => {
    const pauses: number[] = [];
    let tries = 0;
    const work = retry(
      { attempts: 4, delayMs: 100, retryable: () => true, clock: noting(pauses), random: () => 1 },
      async () => {
        tries++;
        throw new Error(`try ${tries}`);
      },
    );
    await expect(work).rejects.toThrow("try 4");
    expect(tries).toBe(4);
    expect(pauses).toEqual([100, 200, 400]);
  });

  it("heals", async () => {
    let tries = 0;
    const work = retry({ attempts: 3, delayMs: 1, retryable: () => true, clock: noting([]) }, async (attempt) => {
      tries++;
      if (attempt < 3) throw new Error("not yet");
      return "done";
    });
    await expect(work).resolves.toBe("done");
    expect(tries).toBe(3);
  });

  it("throws at once what can't heal", async () => {
    let tries = 0;
    const work = retry({ attempts: 9, delayMs: 1, retryable: () => false, clock: noting([]) }, async () => {
      tries++;
      throw new Error("no");
    });
    await expect(work).rejects.toThrow("no");
    expect(tries).toBe(1);
  });

  it("waits as long as the other side asks, within the bound", async () => {
    const pauses: number[] = [];
    const asked = [700, 999_999];
    const policy = {
      attempts: 3,
      delayMs: 1,
      maxDelayMs: 5_000,
      retryable: () => true,
      retryAfterMs: () => asked.shift(),
    };
    await expect(retry({ ...policy, clock: noting(pauses) }, () => Promise.reject(new Error("429")))).rejects.toThrow(
      "429",
    );
    expect(pauses).toEqual([700, 5_000]);
  });

  it("stops when the signal aborts", async () => {
    const abort = new AbortController();
    let tries = 0;
    const work = retry(
      { attempts: 9, delayMs: 1, retryable: () => true, clock: noting([]), signal: abort.signal },
      async () => {
        tries++;
        abort.abort(new Error("cancelled"));
        throw new Error("no");
      },
    );
    await expect(work).rejects.toThrow("cancelled");
    expect(tries).toBe(1);
  });
});
