import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { resolveScan } from "@belay/config";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { openScanner } from "./open-scanner.ts";

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder("belay-open-scanner");
  vi.stubEnv("PATH", folder.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

function open(source: "installed" | "download" | "server", cacheDir = join(folder.path, "cache")) {
  const settings = { ...resolveScan({ inputs: {}, workingDirectory: folder.path }), cacheDir };
  return openScanner(createContext(folder.path), settings, source);
}

const NO_SCAN = { code: "SCAN_FAILED", exitCode: 11 };

it("says without a Trivy on this machine that nothing could be scanned, and how to get one", async () => {
  await expect(open("installed")).rejects.toMatchObject({
    ...{ ...NO_SCAN, obstacle: "no_scanner" },
    next: expect.stringContaining("Install trivy, or put it on the PATH"),
  });
});

it.each([
  ["one that is too old", "#!/bin/sh\necho 'Version: 0.50.0'\n", "it is 0.50.0, 0.60 is needed"],
  ["another program of that name", "#!/bin/sh\necho hello\n", "tells no version of Trivy"],
])("says so of %s", async (_what, script, got) => {
  await writeFile(join(folder.path, "trivy"), script);
  await chmod(join(folder.path, "trivy"), 0o755);
  await expect(open("installed")).rejects.toMatchObject({
    ...{ ...NO_SCAN, obstacle: "no_scanner", got: expect.stringContaining(got) },
  });
});

it("says so of a cache folder that no Trivy can be downloaded to, and names it", async () => {
  const cache = join(folder.path, "file");
  await writeFile(cache, "");
  await expect(open("download", cache)).rejects.toMatchObject({
    ...{ ...NO_SCAN, obstacle: "unusable_folder", next: expect.stringContaining("`cache-dir`") },
    got: expect.stringMatching(
      new RegExp(`^the folder ${cache} can't be used: a part of that path is a file \\(ENOTDIR`),
    ),
  });
});

it("takes a server that nobody named for a wrong input", async () => {
  await expect(open("server")).rejects.toMatchObject({ code: "INVALID_INPUT", exitCode: 2 });
});
