import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { refuseClearedArchives } from "./refuse-cleared-archives.ts";

it("refuses an archive in a folder that the build clears, however it is named, and no other", async () => {
  await using folder = await temporaryFolder("belay-cleared");
  const layoutOf = (service: string): string => join(folder.path, "images", service);
  for (const name of ["images/web", "images/web2", "images/..web"]) {
    await mkdir(join(folder.path, name), { recursive: true });
  }
  await writeFile(join(folder.path, "images/web/image.tar"), "");
  await symlink(join(folder.path, "images"), join(folder.path, "elsewhere"));
  const check = (archive: string) => {
    const build = { context: ".", args: {}, platforms: [], archive: join(folder.path, archive) };
    const services = { web: { names: {} }, api: { names: {}, build } };
    return refuseClearedArchives({ services }, layoutOf);
  };
  for (const archive of ["images/web", "images/web/image.tar", "images/api", "elsewhere/web", "images/api/none.tar"]) {
    await expect(check(archive)).rejects.toMatchObject({
      code: "INVALID_INPUT",
      doing: `taking the image ${join(folder.path, archive)} for api`,
      got: expect.stringContaining("is cleared before a build"),
    });
  }
  for (const archive of ["images", "images/web2", "images/..web", "images/web.tar", "image.tar"]) await check(archive);
});
