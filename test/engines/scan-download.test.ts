/** The real Trivy, downloaded over HTTP as its release's archive, scans a real image; a changed one is never run. */
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, Redactor, systemClock } from "@belay/core";
import { findTrivy, PINNED_TRIVY } from "@belay/scan";
import { createTestLog, SCAN_FILES } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { gate, LODASH, type ScanStand, STAND_MS, startScanStand } from "./scan-stand.ts";
import { serveTrivyRelease, type TrivyRelease } from "./trivy-release.ts";

let stand: ScanStand;
let release: TrivyRelease;

beforeAll(async () => {
  stand = await startScanStand();
  release = await serveTrivyRelease(stand.folder);
}, STAND_MS);

afterAll(async () => {
  await release?.[Symbol.asyncDispose]();
  await stand?.[Symbol.asyncDispose]();
});

async function find(cache: string): ReturnType<typeof findTrivy> {
  const redactor = new Redactor();
  const download = { version: PINNED_TRIVY, checksum: release.checksum, mirror: release.mirror };
  const program = { runner: createRunner(redactor), redactor, env: {} };
  return findTrivy({
    scanner: "download",
    download,
    cache,
    clock: systemClock,
    log: createTestLog(redactor),
    ...program,
  });
}

it("scans with the Trivy that was downloaded", async () => {
  const trivy = await find(join(stand.folder, "programs"));
  const { path } = await stand.image({ "linux/amd64": [SCAN_FILES.debian, SCAN_FILES.oldLodash] });
  const scan = await stand.scan({ kind: "layout", path }, { trivy });
  expect(gate(scan).seen).toEqual(LODASH.map((id) => `${id} fails`));
});

it("never runs a Trivy of which one byte was changed", async () => {
  const file = await open(release.archive, "r+");
  const { size } = await file.stat();
  await file.write(Buffer.from("!"), 0, 1, Math.floor(size / 2));
  await file.close();
  const place = join(stand.folder, "other-programs");
  const failing = find(place);
  await expect(failing).rejects.toMatchObject({ obstacle: "untrusted_scanner", exitCode: 11 });
  await expect(failing).rejects.toThrow("it was thrown away and not executed");
  expect(await readdir(join(place, "programs"))).toEqual([]);
});
