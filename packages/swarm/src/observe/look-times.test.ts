import { FakeClock } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Flux, LookTimes, STILL } from "./look-times.ts";

let clock: FakeClock;
let stop: AbortController;
let times: LookTimes;
let flux: Flux;
let looks: number[];
let following: Promise<void>;

async function follow(): Promise<void> {
  while (await times.next()) looks.push(clock.now());
}

beforeEach(() => {
  clock = new FakeClock();
  stop = new AbortController();
  flux = STILL;
  looks = [];
  times = new LookTimes(clock, stop.signal, () => flux);
  following = follow();
});

afterEach(async () => {
  stop.abort();
  await following;
});

describe("the times at which to look", () => {
  it("never come while nothing happens and nothing is under way", async () => {
    await clock.advance(600_000);
    expect(looks).toEqual([]);
  });

  it("are at once after what may decide, and when the manager may have learnt of it", async () => {
    await clock.advance(10_000);
    times.ring();
    await clock.advance(60_000);
    expect(looks).toEqual([10_000, 10_050, 10_100, 10_160, 10_250, 10_400, 10_650, 11_000, 11_500]);
  });

  it("are at once after what may decide, also when a look came just before with the time", async () => {
    flux = { ...STILL, here: true };
    await clock.advance(530);
    expect(looks).toEqual([500]);
    times.ring();
    await clock.advance(0);
    expect(looks).toEqual([500, 530]);
  });

  it("are fewer where a look takes longer than from one of them to the next", async () => {
    flux = { ...STILL, tookMs: 300 };
    times.ring();
    await clock.advance(60_000);
    expect(looks).toEqual([100, 700, 1_300, 1_900]);
  });

  it("are a tenth of a second apart in a burst, and the last event is not forgotten", async () => {
    for (let count = 0; count < 100; count++) {
      times.ring();
      await clock.advance(10);
    }
    expect(looks).toHaveLength(10);
    await clock.advance(60_000);
    expect(looks.at(-1)).toBeGreaterThan(1_000 + 1_400);
  });

  it("cost little more in a rollout that takes ten times as long", async () => {
    flux = { ...STILL, here: true };
    await clock.advance(6_000);
    const few = looks.length;
    await clock.advance(54_000);
    expect(few).toBeGreaterThanOrEqual(5);
    expect(looks.length).toBeLessThanOrEqual(2.5 * few);
    // A minute later still.
    expect(Math.max(...looks.map((at, index) => at - (looks[index - 1] ?? 0)))).toBeLessThanOrEqual(10_000);
  });

  it.for<[string, Partial<Flux>, number]>([
    ["every second while tasks are on other nodes", {}, 20],
    ["twice a second while those are under way", { elsewhere: true }, 40],
    ["every other second when a look is much work", { tookMs: 400 }, 10],
    ["every second while those are under way and a look is much work", { elsewhere: true, tookMs: 400 }, 20],
  ])("come %s", async ([, more, expected]) => {
    flux = { ...STILL, remote: true, ...more };
    await clock.advance(20_000);
    expect(looks.length).toBeGreaterThanOrEqual(expected - 1);
    expect(looks.length).toBeLessThanOrEqual(expected + 1);
  });
});
