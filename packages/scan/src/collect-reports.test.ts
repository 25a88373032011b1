import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collectReports, databaseFileOf } from "./collect-reports.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-collect-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function report(architecture: string): Promise<string> {
  const path = join(folder, `linux-${architecture}.json`);
  const Metadata = { ImageConfig: { os: "linux", architecture } };
  const text = { SchemaVersion: 2, ArtifactName: "x", ArtifactType: "container_image", Metadata, Results: [] };
  await writeFile(path, JSON.stringify(text));
  return path;
}

describe("reports of another program", () => {
  it("get the database's version beside them", async () => {
    const cache = join(folder, "cache");
    await mkdir(join(cache, "db"), { recursive: true });
    await writeFile(join(cache, "db/metadata.json"), JSON.stringify({ Version: 2, UpdatedAt: "2026-11-26T00:00:00Z" }));
    const path = await report("amd64");
    const [read] = await collectReports([{ path, platform: "linux/amd64" }], cache);
    const database = { schema: 2, updatedAt: "2026-11-26T00:00:00Z" };
    expect(read).toMatchObject({ platform: "linux/amd64", database });
    expect(JSON.parse(await readFile(databaseFileOf(path), "utf8"))).toEqual(database);
  });

  it("are no reports when they are missing, broken or of another platform", async () => {
    const cache = join(folder, "cache");
    const collect = (path: string) => collectReports([{ path, platform: "linux/arm64" }], cache);
    await expect(collect(join(folder, "none.json"))).rejects.toMatchObject({ obstacle: "scanner_failed" });
    await expect(collect(await report("amd64"))).rejects.toMatchObject({ obstacle: "wrong_image" });
    await writeFile(join(folder, "half.json"), '{"SchemaVersion":2');
    await expect(collect(join(folder, "half.json"))).rejects.toMatchObject({ obstacle: "broken_report" });
  });
});
