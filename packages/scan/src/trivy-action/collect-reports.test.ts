import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ScanScope, scopeFileOf } from "../report/scan-scope.ts";
import { collectReports, databaseFileOf } from "./collect-reports.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-collect-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function report(architecture: string, config = {}): Promise<string> {
  const path = join(folder, `linux-${architecture}.json`);
  const Metadata = { ImageConfig: { os: "linux", architecture, config } };
  const text = { SchemaVersion: 2, ArtifactName: "x", ArtifactType: "container_image", Metadata, Results: [] };
  await writeFile(path, JSON.stringify(text));
  return path;
}

describe("reports of another program", () => {
  it("get beside them what was looked for, and the version of the database that Trivy had", async () => {
    const cache = join(folder, "cache");
    await mkdir(join(cache, "db"), { recursive: true });
    await writeFile(join(cache, "db/metadata.json"), JSON.stringify({ Version: 2, UpdatedAt: "2026-11-26T00:00:00Z" }));
    await mkdir(join(cache, "java-db"), { recursive: true });
    const made = { Version: 1, UpdatedAt: "2026-11-20T00:00:00Z" };
    await writeFile(join(cache, "java-db/metadata.json"), JSON.stringify(made));
    // Belay's own, which is newer, is none that Trivy itself could have used.
    const ours = join(cache, "belay/db/20261127");
    await mkdir(ours, { recursive: true });
    await writeFile(join(ours, "metadata.json"), JSON.stringify({ Version: 2, UpdatedAt: "2026-11-27T00:00:00Z" }));
    const path = await report("amd64");
    const scope: ScanScope = { scanners: ["vuln"], skipped: ["app/vendor"] };
    const [read] = await collectReports([{ path, platform: "linux/amd64" }], cache, scope);
    const database = { schema: 2, updatedAt: "2026-11-26T00:00:00Z" };
    expect(read).toMatchObject({ platform: "linux/amd64", database, scope });
    expect(JSON.parse(await readFile(scopeFileOf(path), "utf8"))).toEqual(scope);
    const java = { schema: 1, updatedAt: "2026-11-20T00:00:00Z" };
    expect(JSON.parse(await readFile(databaseFileOf(path), "utf8"))).toEqual({ ...database, java });
  });

  it("have no value of a variable of the image from then on", async () => {
    const path = await report("amd64", { Env: ["DB_PASSWORD=s3cret"] });
    await collectReports([{ path }], folder, { scanners: ["secret"] });
    const kept = await readFile(path, "utf8");
    expect(kept).toContain("DB_PASSWORD=****");
    expect(kept).not.toContain("s3cret");
  });

  it("are no reports when they are missing, broken or of another platform", async () => {
    const cache = join(folder, "cache");
    const collect = (path: string) =>
      collectReports([{ path, platform: "linux/arm64" }], cache, { scanners: ["vuln"] });
    await expect(collect(join(folder, "none.json"))).rejects.toMatchObject({ obstacle: "scanner_failed" });
    await expect(collect(await report("amd64"))).rejects.toMatchObject({ obstacle: "wrong_image" });
    await writeFile(join(folder, "half.json"), '{"SchemaVersion":2');
    await expect(collect(join(folder, "half.json"))).rejects.toMatchObject({ obstacle: "broken_report" });
  });
});
