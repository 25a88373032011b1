import { mkdir, readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@belay/core";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { exclusive } from "./exclusive.ts";

const options = { clock: systemClock, waitMs: 60_000, doing: "testing" };

it("lets one in at a time, and the next after a failure", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "lock");
  let inside = 0;
  const work = (index: number) =>
    exclusive(lock, options, async () => {
      inside++;
      expect(inside).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      if (index === 1) throw new Error("of the work");
      return index;
    });
  const results = await Promise.allSettled([0, 1, 2, 3].map(work));
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(await readdir(folder.path)).toEqual([]);
});

it("takes what a dead one left, and waits for a living one no longer than it was told", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "lock");
  await mkdir(lock);
  const short = { ...options, waitMs: 1 };
  await expect(exclusive(lock, short, async () => 1)).rejects.toMatchObject({ code: "TIMED_OUT" });
  const long = new Date(Date.now() - 3_600_000);
  await utimes(lock, long, long);
  expect(await exclusive(lock, options, async () => 1)).toBe(1);
});
