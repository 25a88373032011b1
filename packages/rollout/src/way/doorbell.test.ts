import { beforeEach, describe, expect, it } from "vitest";
import { SimTime } from "../testing/sim-time.ts";
import { Doorbell } from "./doorbell.ts";

const NEVER = new AbortController().signal;

let time: SimTime;
let bell: Doorbell;

beforeEach(() => {
  time = new SimTime();
  bell = new Doorbell(time.clock());
});

/** When a wait that begins now is over, although it may last ten seconds. */
async function waited(signal = NEVER): Promise<number> {
  await time.run(bell.wait(time.now + 10_000, signal), 20_000);
  return time.now;
}

function ringAt(at: number): void {
  void time.sleep(at - time.now).then(() => bell.ring());
}

describe("the doorbell", () => {
  it("wakes at once at the first ring, however many follow", async () => {
    for (const at of [4_000, 4_001, 4_020]) ringAt(at);
    expect(await waited()).toBe(4_000);
  });

  it("lets a burst cause one more look, 50 ms after the one before", async () => {
    for (const at of [4_000, 4_001, 4_020]) ringAt(at);
    await waited();
    expect(await waited()).toBe(4_050);
    expect(await waited()).toBe(14_050);
  });

  it("does not forget what rang while somebody looked", async () => {
    bell.ring();
    expect(await waited()).toBe(50);
  });

  it("wakes at the given time when nothing rings, and when the signal aborts", async () => {
    expect(await waited()).toBe(10_000);
    const stop = new AbortController();
    void time.sleep(300).then(() => stop.abort());
    expect(await waited(stop.signal)).toBe(10_300);
  });
});
