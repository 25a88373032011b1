import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readJobFile } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-job-file-"));
});
afterEach(() => rm(folder, { recursive: true }));

const path = () => join(folder, "file.json");

it("reads a file up to its largest size", async () => {
  await writeFile(path(), "{}");
  expect(await readJobFile(path(), 2)).toBe("{}");
  await expect(readJobFile(path(), 1)).rejects.toThrow("has 2 bytes, at most 1 are read");
});

it("says so where there is none", async () => {
  await expect(readJobFile(path())).rejects.toMatchObject({ code: "ENOENT" });
});

it.each([
  ["a link to a file", () => symlink("/etc/hostname", path()), "is a link"],
  ["a link to nothing", () => symlink("/nowhere", path()), "is a link"],
  ["a folder", () => mkdir(path()), "is no file"],
  ["a pipe that nobody writes into", async () => void execFileSync("mkfifo", [path()]), "is no file"],
  ["a huge file", () => writeFile(path(), "").then(() => truncate(path(), 1e9)), "at most 16777216 are read"],
])("refuses %s at once", async (_what, make, why) => {
  await make();
  await expect(readJobFile(path())).rejects.toThrow(why);
});
