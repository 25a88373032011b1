import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { FolderFiles } from "./folder-files.ts";
import { readDocument } from "./image-files.ts";

it("finds files of the folder and nothing else, wherever links lead", async () => {
  await using outer = await temporaryFolder("belay-folder");
  const image = join(outer.path, "image");
  await mkdir(join(image, "blobs"), { recursive: true });
  await mkdir(join(outer.path, "image-2"));
  for (const name of ["image/blobs/one", "outside", "image-2/one"]) await writeFile(join(outer.path, name), name);
  const links = { inside: "blobs/one", out: "../outside", far: "/etc/passwd", folder: "..", near: "../image-2" };
  for (const [name, target] of Object.entries({ ...links, loop: "loop", gone: "none" })) {
    await symlink(target, join(image, name));
  }
  await symlink(image, join(outer.path, "link"));
  for (const path of [image, join(outer.path, "link")]) {
    await using files = new FolderFiles(path);
    expect((await readDocument(files, "blobs/one")).toString()).toBe("image/blobs/one");
    expect(await files.find("inside")).toMatchObject({ size: 15 });
    const outside = ["out", "far", "folder/outside", "near/one", "loop", "gone", "blobs", "blobs/one/x", "../outside"];
    for (const name of [...outside, "", ".", "/etc/passwd"]) expect(await files.find(name), name).toBe(undefined);
  }
});
