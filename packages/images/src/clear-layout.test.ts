import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { clearLayout } from "./clear-layout.ts";

it("removes a layout, whole or half written, and nothing of the user's", async () => {
  await using folder = await temporaryFolder("belay-clear");
  const layout = join(folder.path, "images/web");
  await clearLayout(layout);
  expect(await readdir(folder.path)).toEqual(["images"]);
  await mkdir(join(layout, "blobs/sha256"), { recursive: true });
  await writeFile(join(layout, "index.json"), "{}");
  await clearLayout(layout);
  expect(await readdir(join(folder.path, "images"))).toEqual([]);
  await mkdir(layout);
  await writeFile(join(layout, "Dockerfile"), "FROM scratch");
  await expect(clearLayout(layout)).rejects.toMatchObject({
    code: "INVALID_INPUT",
    got: expect.stringContaining("Dockerfile"),
  });
  expect(await readdir(layout)).toEqual(["Dockerfile"]);
  await expect(clearLayout(join(layout, "Dockerfile"))).rejects.toThrow("a file is there");
});
