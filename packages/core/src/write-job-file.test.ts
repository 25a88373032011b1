import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeJobFile } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-job-file-"));
});
afterEach(() => rm(folder, { recursive: true }));

const path = () => join(folder, "file.json");

it("writes a file, and over one that is longer", async () => {
  await writeJobFile(path(), "[1, 2, 3]");
  await writeJobFile(path(), "[]");
  expect(await readFile(path(), "utf8")).toBe("[]");
});

it("does not write through a link, nor to what only a link leads to", async () => {
  const other = join(folder, "other");
  await writeFile(other, "as it was");
  await symlink(other, path());
  await expect(writeJobFile(path(), "[]")).rejects.toThrow("is a link");
  expect(await readFile(other, "utf8")).toBe("as it was");
  await rm(other);
  await expect(writeJobFile(path(), "[]")).rejects.toThrow("is a link");
  await expect(readFile(other)).rejects.toMatchObject({ code: "ENOENT" });
});

it.each([
  ["a folder", () => mkdir(path()), "EISDIR"],
  ["a pipe that nobody reads", async () => void execFileSync("mkfifo", [path()]), "ENXIO"],
])("fails at once on %s", async (_what, make, code) => {
  await make();
  await expect(writeJobFile(path(), "[]")).rejects.toMatchObject({ code });
});
