import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
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
  ["a link to a file of the folder above", () => symlink(`../${basename(folder)}/..`, path()), "is a link"],
  ["a folder", () => mkdir(path()), "is no file"],
  ["a pipe that nobody writes into", async () => void execFileSync("mkfifo", [path()]), "is no file"],
  ["a huge file", () => writeFile(path(), "").then(() => truncate(path(), 1e9)), "at most 16777216 are read"],
])("refuses %s at once", async (_what, make, why) => {
  await make();
  await expect(readJobFile(path())).rejects.toThrow(why);
});

it("follows the links of a ConfigMap's volume, and no such link to more than is read", async () => {
  await mkdir(join(folder, "..2026_11_27"));
  await writeFile(join(folder, "..2026_11_27/file.json"), "{}");
  await symlink("..2026_11_27", join(folder, "..data"));
  await symlink("..data/file.json", path());
  expect(await readJobFile(path(), 2)).toBe("{}");
  await expect(readJobFile(path(), 1)).rejects.toThrow("at most 1 are read");
});

it("reads no more than that of one that gets longer than it was said to be", async () => {
  // The kernel gives none of its own files a size beforehand.
  const file = `/proc/${process.pid}/environ`;
  expect((await stat(file)).size).toBe(0);
  await expect(readJobFile(file, 10)).rejects.toThrow("more than the 10 bytes");
});

it.each(["a", "a/b"])("refuses the folder %s below the base that is a link, and not the base", async (link) => {
  const base = join(folder, "base");
  await mkdir(join(folder, "real/a/b"), { recursive: true });
  await symlink(join(folder, "real"), base);
  const file = join(base, "a/b/file.json");
  await writeFile(file, "{}");
  expect(await readJobFile(file, 2, base)).toBe("{}");
  await rename(join(base, link), join(folder, "elsewhere"));
  await symlink(join(folder, "elsewhere"), join(base, link));
  expect(await readFile(file, "utf8")).toBe("{}");
  await expect(readJobFile(file, 2, base)).rejects.toThrow(`${join(base, link)} is a link`);
});
