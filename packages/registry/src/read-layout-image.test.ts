import { readdir, realpath, rename, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { makeImageLayout, temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { readLayoutImage } from "./read-layout-image.ts";

it("reads a layout, and refuses one of which any part is a link", async () => {
  await using folder = await temporaryFolder("belay-layout");
  const { path } = await makeImageLayout(join(folder.path, "image"), { "linux/amd64": [{ a: "b" }] });
  const read = await readLayoutImage(path);
  expect(read).toMatchObject({ manifests: [expect.anything()], blobs: [expect.anything(), expect.anything()] });
  const blobs = join(path, "blobs/sha256");
  const files = (await readdir(blobs)).map((name) => join("blobs/sha256", name));
  const parts = ["index.json", "blobs", "blobs/sha256", ...files];
  expect(parts).toHaveLength(6);
  for (const part of parts) {
    const file = join(path, part);
    const elsewhere = join(folder.path, "elsewhere");
    await rename(file, elsewhere);
    await symlink(elsewhere, file);
    // Its content is right, and nobody looks.
    expect(await realpath(file)).toBe(await realpath(elsewhere));
    await expect(readLayoutImage(path), part).rejects.toMatchObject({ code: "RELEASE_INVALID" });
    await unlink(file);
    await rename(elsewhere, file);
  }
  expect(await readLayoutImage(path)).toMatchObject({ identity: read.identity });
});
