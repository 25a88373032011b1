import { mkdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";
import { withLock } from "./with-lock.ts";

test("one at a time, and nothing is left", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "deep", "lock");
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
  };
  await Promise.all([withLock(lock, work), withLock(lock, work), withLock(lock, work)]);
  expect(most).toBe(1);
  await expect(stat(lock)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a failure gives the lock back", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "lock");
  await expect(withLock(lock, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await withLock(lock, async () => "yes")).toBe("yes");
});

test("a lock of a process that is gone is broken, one of a living process is not", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "lock");
  await mkdir(lock);
  // The largest number that Linux gives is 4194304.
  await writeFile(join(lock, "pid"), "4194305");
  expect(await withLock(lock, async () => "mine")).toBe("mine");
  await mkdir(lock);
  await writeFile(join(lock, "pid"), String(process.pid));
  await expect(withLock(lock, async () => "mine", { waitMs: 150 })).rejects.toThrow("held by another process");
});

test("a lock without a holder's number is broken when it is old", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "lock");
  await mkdir(lock);
  await expect(withLock(lock, async () => "mine", { waitMs: 150 })).rejects.toThrow("held by another process");
  await utimes(lock, new Date(0), new Date(0));
  expect(await withLock(lock, async () => "mine")).toBe("mine");
});
