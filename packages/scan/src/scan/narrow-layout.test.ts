import { join } from "node:path";
import { readLayout } from "@belay/core/oci-layout";
import { makeImageLayout, SCAN_FILES, temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { narrowLayout } from "./narrow-layout.ts";

it("leaves one platform of an image", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "it's a:name@x");
  const files = { "linux/amd64": [SCAN_FILES.newLodash], "linux/arm64": [SCAN_FILES.oldLodash] };
  const { platforms } = await makeImageLayout(path, files);
  const arm = (await readLayout(path)).entries.find((entry) => entry.platform === "linux/arm64");
  if (arm === undefined) throw new Error("there is no second platform");
  const narrow = join(folder.path, "narrow");
  await narrowLayout(path, arm, narrow);
  const { entries } = await readLayout(narrow);
  expect(entries.map(({ platform, config }) => [platform, config])).toEqual([
    ["linux/arm64", platforms["linux/arm64"]?.config],
  ]);
});
