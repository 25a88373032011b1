/** The real Trivy, downloaded over HTTP as its release's archive, scans a real image; a changed one is never run. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createRunner, Redactor, systemClock } from "@belay/core";
import { findTrivy, PINNED_TRIVY, type TrivyChoice } from "@belay/scan";
import { createTestLog, ensureTools, SCAN_FILES } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { gate, LODASH, type ScanStand, STAND_MS, startScanStand } from "./scan-stand.ts";

let stand: ScanStand;
let archive: string;
let checksum: string;
const server = createServer((_request, response) => createReadStream(archive).pipe(response));

beforeAll(async () => {
  stand = await startScanStand();
  archive = join(stand.folder, "trivy.tar.gz");
  const { trivy } = await ensureTools(["trivy"]);
  await symlink(trivy, join(stand.folder, "trivy"));
  const run = createRunner(new Redactor());
  // Packed loosely: the time of this test is not to be spent on making it small.
  const pack = ["--dereference", "--use-compress-program=gzip -1", "-cf", archive, "-C", stand.folder, "trivy"];
  await run("tar", pack, { deadlineMs: 300_000 });
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(archive)) hash.update(chunk as Buffer);
  checksum = hash.digest("hex");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
}, STAND_MS);

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await stand?.[Symbol.asyncDispose]();
});

async function find(cache: string): ReturnType<typeof findTrivy> {
  const redactor = new Redactor();
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const download: TrivyChoice = { version: PINNED_TRIVY, checksum, mirror };
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
  const file = await open(archive, "r+");
  const { size } = await file.stat();
  await file.write(Buffer.from("!"), 0, 1, Math.floor(size / 2));
  await file.close();
  const place = join(stand.folder, "other-programs");
  const failing = find(place);
  await expect(failing).rejects.toMatchObject({ obstacle: "untrusted_scanner", exitCode: 11 });
  await expect(failing).rejects.toThrow("it was thrown away and not executed");
  expect(await readdir(join(place, "programs"))).toEqual([]);
});
