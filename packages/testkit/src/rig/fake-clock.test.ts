import { expect, test } from "vitest";
import { FakeClock } from "./fake-clock.ts";

test("sleeps end in the order of their ends, each at its own time", async () => {
  const clock = new FakeClock("2026-03-01T00:00:00Z");
  const seen: string[] = [];
  const sleep = async (name: string, milliseconds: number): Promise<void> => {
    await clock.sleep(milliseconds);
    seen.push(`${name}@${clock.now()}`);
  };
  void sleep("b", 20).then(() => sleep("d", 5));
  void sleep("a", 10);
  void sleep("c", 20);
  await clock.advance(30);
  expect(seen).toEqual(["a@10", "b@20", "c@20", "d@25"]);
  expect(clock.now()).toBe(30);
  expect(clock.date().toISOString()).toBe("2026-03-01T00:00:00.030Z");
});

test("what is not due sleeps on, and a signal wakes with its reason", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const sleep = expect(clock.sleep(100, stop.signal)).rejects.toThrow("enough");
  await clock.advance(99);
  expect(clock.sleeping).toBe(1);
  stop.abort(new Error("enough"));
  await sleep;
  expect(clock.sleeping).toBe(0);
  await expect(clock.sleep(1, stop.signal)).rejects.toThrow("enough");
});
