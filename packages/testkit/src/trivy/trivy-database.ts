import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ensureTools } from "../rig/ensure-tools.ts";
import { run } from "../rig/run.ts";
import { databaseEntries } from "./advisories.ts";

export interface TrivyDatabaseOptions {
  /** When it says that it was made. Default: now. */
  readonly updatedAt?: Date;
  /** Vulnerabilities that nobody knew yet when it was made. */
  readonly without?: readonly string[];
}

const DAY_MS = 86_400_000;

/**
 * Writes a small, true database of Trivy (schema 2) into a folder: `trivy.db` and `metadata.json`, as in `db` of its
 * cache. It knows some vulnerabilities of lodash, minimist, log4j-core, and of glibc and zlib in Debian 12.
 */
export async function writeTrivyDatabase(folder: string, options: TrivyDatabaseOptions = {}): Promise<void> {
  const { boltWriter } = await ensureTools(["boltWriter"]);
  await mkdir(folder, { recursive: true });
  const file = join(folder, "trivy.db");
  await rm(file, { force: true });
  const input = JSON.stringify(databaseEntries(options.without));
  await run(boltWriter, [file], { input, doing: "writing a database for Trivy" });
  await writeFile(join(folder, "metadata.json"), JSON.stringify(metadata(2, options.updatedAt ?? new Date())));
}

/** Writes Trivy's database of Java archives (schema 1, as in `java-db` of its cache): what artefact has which SHA-1. */
export async function writeJavaDatabase(
  folder: string,
  archives: readonly { group: string; artifact: string; version: string; sha1: string }[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "trivy-java.db");
  await rm(file, { force: true });
  using database = new DatabaseSync(file);
  database.exec(JAVA_TABLES);
  for (const [index, { group, artifact, version, sha1 }] of archives.entries()) {
    database.prepare("INSERT INTO artifacts VALUES (?, ?, ?)").run(index + 1, group, artifact);
    const row = "INSERT INTO indices VALUES (?, ?, ?, 'jar')";
    database.prepare(row).run(index + 1, version, Buffer.from(sha1, "hex"));
  }
  await writeFile(join(folder, "metadata.json"), JSON.stringify(metadata(1, new Date())));
}

function metadata(version: number, updatedAt: Date): Readonly<Record<string, unknown>> {
  const made = new Date(Math.floor(updatedAt.getTime() / 1_000) * 1_000);
  return {
    Version: version,
    UpdatedAt: made.toISOString(),
    NextUpdate: new Date(made.getTime() + DAY_MS).toISOString(),
    DownloadedAt: made.toISOString(),
  };
}

/** trivy-java-db, `pkg/db/db.go`. */
const JAVA_TABLES = `
  CREATE TABLE artifacts (id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
  CREATE TABLE indices (
    artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, FOREIGN KEY (artifact_id) REFERENCES artifacts (id)
  );
  CREATE UNIQUE INDEX artifacts_idx ON artifacts (artifact_id, group_id);
  CREATE INDEX indices_artifact_idx ON indices (artifact_id);
  CREATE UNIQUE INDEX indices_sha1_idx ON indices (sha1);
`;
