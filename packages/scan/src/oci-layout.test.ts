import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeImageLayout, SCAN_FILES, temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { narrowLayout, readLayout } from "./oci-layout.ts";

it("has each platform, however deep, and can be narrowed to one", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "it's a:name@x");
  const files = { "linux/amd64": [SCAN_FILES.newLodash], "linux/arm64": [SCAN_FILES.oldLodash] };
  const { platforms } = await makeImageLayout(path, files);
  const entries = await readLayout(path);
  expect(Object.fromEntries(entries.map(({ platform, manifest, config }) => [platform, { manifest, config }]))).toEqual(
    platforms,
  );
  const arm = entries[1];
  if (arm === undefined) throw new Error("there is no second one");
  const narrow = join(folder.path, "narrow");
  await narrowLayout(path, arm, narrow);
  expect((await readLayout(narrow)).map(({ platform, config }) => [platform, config])).toEqual([
    ["linux/arm64", platforms["linux/arm64"]?.config],
  ]);
});

it("is broken when something is missing, or a blob was changed", async () => {
  await using folder = await temporaryFolder();
  const broken = expect.objectContaining({ obstacle: "broken_image" });
  await expect(readLayout(folder.path)).rejects.toEqual(broken);
  const path = join(folder.path, "image");
  const { digest } = await makeImageLayout(path, { "linux/amd64": [SCAN_FILES.newLodash] });
  const blob = join(path, "blobs", ...digest.split(":"));
  await writeFile(blob, `${await readFile(blob, "utf8")} `);
  await expect(readLayout(path)).rejects.toMatchObject({
    obstacle: "broken_image",
    message: expect.stringContaining("other content"),
  });
  await writeFile(join(path, "index.json"), '{"manifests":[]}');
  await expect(readLayout(path)).rejects.toEqual(broken);
});
