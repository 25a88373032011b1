import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeImageLayout, SCAN_FILES, temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { readLayout } from "./oci-layout.ts";

it("has each platform, however deep, and what the index points to", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "it's a:name@x");
  const files = { "linux/amd64": [SCAN_FILES.newLodash], "linux/arm64": [SCAN_FILES.oldLodash] };
  const { platforms, digest } = await makeImageLayout(path, files);
  const { roots, entries } = await readLayout(path);
  expect(roots.map((root) => root.digest)).toEqual([digest]);
  expect(Object.fromEntries(entries.map(({ platform, manifest, config }) => [platform, { manifest, config }]))).toEqual(
    platforms,
  );
});

it("is refused when something is missing, or a blob was changed", async () => {
  await using folder = await temporaryFolder();
  const broken = { code: "RELEASE_INVALID" };
  await expect(readLayout(folder.path)).rejects.toMatchObject(broken);
  const path = join(folder.path, "image");
  const { digest } = await makeImageLayout(path, { "linux/amd64": [SCAN_FILES.newLodash] });
  const blob = join(path, "blobs", ...digest.split(":"));
  await writeFile(blob, `${await readFile(blob, "utf8")} `);
  await expect(readLayout(path)).rejects.toMatchObject({ ...broken, got: expect.stringContaining("other content") });
  await writeFile(join(path, "index.json"), '{"manifests":[]}');
  await expect(readLayout(path)).rejects.toMatchObject(broken);
});
