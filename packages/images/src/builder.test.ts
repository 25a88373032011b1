import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { createTestLog, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findBuilder } from "./builder.ts";

const runner = createRunner(new Redactor());
let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder("belay-builder");
});
afterEach(() => folder.remove());

/** A command line of our own that answers as the real ones do. */
async function docker(buildx: string, version: string): Promise<string> {
  const path = join(folder.path, "docker");
  const script = `#!/bin/sh\ncase "$1" in buildx) ${buildx};; --version) echo "Docker version ${version}, build x";; esac\n`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

const UNKNOWN = `echo "docker: 'buildx' is not a docker command." >&2; exit 1`;

it.each([
  ["the plugin is there", "echo github.com/docker/buildx v0.29.1", "28.2.2", "buildx"],
  ["an old client has none", UNKNOWN, "20.10.24+dfsg1", "buildkit"],
  ["a new client has none", UNKNOWN, "28.2.2", "legacy"],
  ["the version is not told", UNKNOWN, "unknown", "legacy"],
])("when %s", async (_name, buildx, version, builder) => {
  const log = createTestLog();
  expect(await findBuilder({ runner, command: await docker(buildx, version) }, log)).toBe(builder);
  expect(log.text().includes("legacy builder")).toBe(builder === "legacy");
});

it("without any docker, says what is missing", async () => {
  const command = join(folder.path, "no-docker");
  await expect(findBuilder({ runner, command })).rejects.toMatchObject({ code: "TOOL_MISSING" });
});
