import { execFileSync } from "node:child_process";
import { mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ScanGateSettings, ScanSettings } from "@belay/config";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readRules } from "./scan-rules.ts";

/** The checkout is `here`; belay.yaml stands in `here/shop`. */
let place: TemporaryFolder;
const checkout = (name: string) => join(place.path, "here", name);
const shop = (name: string) => checkout(join("shop", name));

beforeEach(async () => {
  place = await temporaryFolder("belay-rules-test");
  await mkdir(checkout("shop"), { recursive: true });
  await writeFile(join(place.path, "outside"), "CVE-2026-0001\n");
});
afterEach(() => place.remove());

function read(gate: Partial<ScanGateSettings> = {}, more: Partial<ScanSettings> = {}) {
  const whole = { failOn: [], ignoreStatuses: [], vex: [], ...gate } as unknown as ScanGateSettings;
  const settings = { directory: checkout("shop"), services: {}, scanners: [], gate: whole, ...more } as ScanSettings;
  return readRules(settings, ["web"], checkout(""));
}

async function ignored(gate: Partial<ScanGateSettings> = {}): Promise<unknown> {
  return (await read(gate)).web?.ignores?.rules.map(({ id }) => id);
}

it("reads its own files, if they are there, and those that are named, wherever", async () => {
  expect(await ignored()).toEqual([]);
  await writeFile(shop(".trivyignore"), "CVE-2026-0002\n");
  expect(await ignored()).toEqual(["CVE-2026-0002"]);
  expect(await ignored({ ignoreFiles: [join(place.path, "outside")] })).toEqual(["CVE-2026-0001"]);
});

it("follows a link to a file of the checkout", async () => {
  await writeFile(checkout("common"), "CVE-2026-0003\n");
  await symlink("../common", shop(".trivyignore"));
  expect(await ignored()).toEqual(["CVE-2026-0003"]);
});

const HOSTILE = [
  ["a link out of the checkout", (path: string) => symlink("../../outside", path), "is a link, which is not followed"],
  ["a link to a device without an end", (path: string) => symlink("/dev/zero", path), "is a link"],
  ["a link to nothing", (path: string) => symlink("nowhere", path), "is a link"],
  ["a pipe that nobody writes into", async (path: string) => void execFileSync("mkfifo", [path]), "is no file"],
  ["a huge file", (path: string) => writeFile(path, "").then(() => truncate(path, 1e9)), "at most 67108864 are read"],
] as const;

it.each(HOSTILE)("refuses %s as its own rules", async (_what, make, got) => {
  await make(shop(".trivyignore"));
  const refused = { code: "INVALID_INPUT", got: expect.stringContaining(got), doing: expect.stringContaining("rules") };
  await expect(read()).rejects.toMatchObject(refused);
});

it.each(HOSTILE)("refuses %s that the settings name", async (_what, make, got) => {
  const path = shop("named");
  await make(path);
  const refused = { code: "INVALID_INPUT", got: expect.stringContaining(got) };
  await expect(read({ ignoreFiles: [path] })).rejects.toMatchObject(refused);
  await expect(read({ vex: [path] })).rejects.toMatchObject(refused);
  await expect(read({}, { kev: path })).rejects.toMatchObject(refused);
  await expect(read({}, { epss: path })).rejects.toMatchObject(refused);
});

it("refuses a named file in a folder that is a link, a device, and one that is missing", async () => {
  await symlink(place.path, shop("vex"));
  const refused = (got: string) => ({ code: "INVALID_INPUT", got: expect.stringContaining(got) });
  await expect(read({ vex: [shop("vex/outside")] })).rejects.toMatchObject(refused("vex is a link"));
  await expect(read({ vex: ["/dev/zero"] })).rejects.toMatchObject(refused("is no file"));
  await expect(read({ vex: [shop("missing")] })).rejects.toMatchObject(refused("there is no such file"));
});
