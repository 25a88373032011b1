import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestLog, FakeClock, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { beforeEach, expect, it } from "vitest";
import { ScanError } from "../trivy/could-not-scan.ts";
import type { Trivy } from "../trivy/trivy.ts";
import { DatabaseStore, type DatabaseStoreOptions } from "./database-store.ts";

const HOUR_MS = 3_600_000;

let folder: TemporaryFolder;
let clock: FakeClock;
/** How often a database was downloaded. */
let downloads: number;

beforeEach(async () => {
  folder = await temporaryFolder("belay-store");
  clock = new FakeClock();
  downloads = 0;
  return () => folder.remove();
});

/** As it lies in Trivy's cache. */
async function write(ageMs: number): Promise<void> {
  const at = (ms: number) => new Date(clock.date().getTime() + ms).toISOString();
  const told = { Version: 2, UpdatedAt: at(-ageMs), NextUpdate: at(24 * HOUR_MS - ageMs), DownloadedAt: at(-ageMs) };
  await mkdir(join(folder.path, "db"), { recursive: true });
  await writeFile(join(folder.path, "db/metadata.json"), JSON.stringify(told));
  await writeFile(join(folder.path, "db/trivy.db"), "");
}

function store(lockWaitMs = 0, more: Partial<DatabaseStoreOptions> = {}): DatabaseStore {
  const trivy = {
    run: async () => {
      downloads++;
      throw new ScanError("unauthorised", { doing: "downloading" });
    },
  };
  return new DatabaseStore({
    trivy: trivy as unknown as Trivy,
    ...{ cache: folder.path, update: true, maxAgeMs: 72 * HOUR_MS, lockWaitMs, clock, log: createTestLog() },
    repositories: { vulnerabilities: ["registry.invalid/db:2"] },
    ...more,
  });
}

async function locked(): Promise<ChildProcess & AsyncDisposable> {
  const file = join(folder.path, "db/trivy.db");
  const holder = spawn("flock", ["--exclusive", "--no-fork", file, "sh", "-c", "echo held; exec sleep 600"]);
  await once(holder.stdout, "data");
  const dispose = async (): Promise<void> => {
    if (holder.kill()) await once(holder, "exit");
  };
  return Object.assign(holder, { [Symbol.asyncDispose]: dispose });
}

it("that was looked at ahead is given as it was seen for two seconds, and looked at anew after that", async () => {
  await write(HOUR_MS);
  const early = store();
  early.takeAhead("vulnerabilities");
  const seen = await early.take("vulnerabilities");
  expect(seen.folder).toBe(join(folder.path, "db"));
  await using _holder = await locked();
  expect(await early.take("vulnerabilities")).toBe(seen);
  const other = { obstacle: "cache_locked" };
  await expect(store().take("vulnerabilities")).rejects.toMatchObject(other);
  await clock.advance(2_000);
  await expect(early.take("vulnerabilities")).rejects.toMatchObject(other);
});

it("is not downloaded ahead, and what is wrong with it is told to whoever takes it", async () => {
  const early = store();
  early.takeAhead("vulnerabilities");
  await expect(early.take("vulnerabilities")).rejects.toMatchObject({ obstacle: "unauthorised" });
  expect(downloads).toBe(1);
  // One that is due and could not be renewed does until it is too old.
  await write(48 * HOUR_MS);
  early.takeAhead("vulnerabilities");
  expect((await early.take("vulnerabilities")).folder).toBe(join(folder.path, "db"));
  expect(downloads).toBe(2);

  await write(HOUR_MS);
  await using holder = await locked();
  const waiting = store();
  waiting.takeAhead("vulnerabilities");
  await expect(waiting.take("vulnerabilities")).rejects.toMatchObject({
    obstacle: "cache_locked",
    got: expect.stringContaining(String(holder.pid)),
  });
});

it("is not waited for twice when somebody holds it while it is looked at ahead", async () => {
  await write(HOUR_MS);
  await using _holder = await locked();
  const early = store(1_000);
  early.takeAhead("vulnerabilities");
  let over = false;
  const told = expect(early.take("vulnerabilities")).rejects.toMatchObject({ obstacle: "cache_locked" });
  const ending = told.finally(() => {
    over = true;
  });
  while (!over) {
    if (clock.sleeping > 0) await clock.advance(100);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await ending;
  expect(clock.now()).toBe(1_000);
});

it.each([true, false])(
  "can't be taken from what is no folder, which is told with its path (update: %s)",
  async (update) => {
    const cache = join(folder.path, "file");
    await writeFile(cache, "");
    await expect(store(0, { cache, update }).take("vulnerabilities")).rejects.toMatchObject({
      ...{ code: "SCAN_FAILED", exitCode: 11, obstacle: "unusable_folder" },
      got: expect.stringContaining(`the folder ${cache} can't be used: a part of that path is a file (ENOTDIR`),
      next: expect.stringContaining("`cache-dir`"),
    });
    expect(downloads).toBe(0);
  },
);

it("is looked for without leaving anything in the folder", async () => {
  await write(HOUR_MS);
  expect((await store(0, { update: false }).take("vulnerabilities")).folder).toBe(join(folder.path, "db"));
  expect(await readdir(folder.path)).toEqual(["db"]);
});
