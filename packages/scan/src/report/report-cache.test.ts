import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "@belay/core";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { ReportCache } from "./report-cache.ts";

const KEY = { dockerfile: sha256("FROM scratch"), trivy: "0.72.0", scanners: ["secret"] } as const;

it("keeps a report, or nothing where its folder can't be one", async () => {
  await using folder = await temporaryFolder("belay-reports");
  const cache = new ReportCache(join(folder.path, "made/reports"));
  await cache.keep(KEY, "{}");
  expect(await cache.find(KEY)).toBe("{}");
  await writeFile(join(folder.path, "file"), "");
  const none = new ReportCache(join(folder.path, "file/reports"));
  await none.keep(KEY, "{}");
  expect(await none.find(KEY)).toBeUndefined();
});
