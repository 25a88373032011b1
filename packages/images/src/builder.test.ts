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
async function docker(inspect: string, buildx: string, version = "28.2.2"): Promise<string> {
  const path = join(folder.path, "docker");
  const cases = [
    `"buildx inspect"*) ${inspect};;`,
    `"buildx version") ${buildx};;`,
    `"--version") echo "Docker version ${version}, build x";;`,
  ];
  await writeFile(path, `#!/bin/sh\ncase "$*" in\n${cases.join("\n")}\nesac\n`);
  await chmod(path, 0o755);
  return path;
}

const UNKNOWN = `echo "docker: 'buildx' is not a docker command." >&2; exit 1`;
const THERE = "echo github.com/docker/buildx v0.29.1";
const INSPECTED = `printf 'Name:   mine\\nDriver: docker-container\\n\\nNodes:\\nName: mine0\\n'`;
const NO_SUCH = `echo 'ERROR: no builder "mine" found' >&2; exit 1`;

it("tells buildx's builder and its driver", async () => {
  const command = await docker(INSPECTED, "exit 99");
  expect(await findBuilder({ runner, command })).toEqual({ kind: "buildx", name: "mine", driver: "docker-container" });
  expect(await findBuilder({ runner, command }, undefined, "mine")).toMatchObject({ driver: "docker-container" });
});

it("takes the builder of an engine that does not answer for the engine's own", async () => {
  const command = await docker(`printf 'Name:   default\\nDriver: \\nError:  Cannot connect\\n'`, "exit 99");
  expect(await findBuilder({ runner, command })).toEqual({ kind: "buildx", name: "default", driver: "docker" });
});

it.each([
  ["an old client has none", "20.10.24+dfsg1", "buildkit"],
  ["a new client has none", "28.2.2", "legacy"],
  ["the version is not told", "unknown", "legacy"],
])("without buildx, when %s", async (_name, version, kind) => {
  const log = createTestLog();
  expect(await findBuilder({ runner, command: await docker(UNKNOWN, UNKNOWN, version) }, log)).toEqual({ kind });
  expect(log.text().includes("legacy builder")).toBe(kind === "legacy");
});

it("refuses a builder that buildx does not know, or without buildx any", async () => {
  const unknown = findBuilder({ runner, command: await docker(NO_SUCH, THERE) }, undefined, "mine");
  await expect(unknown).rejects.toMatchObject({ code: "INVALID_INPUT", got: expect.stringContaining("no builder") });
  const none = findBuilder({ runner, command: await docker(UNKNOWN, UNKNOWN) }, undefined, "mine");
  await expect(none).rejects.toMatchObject({ code: "TOOL_MISSING" });
});

it("without any docker, says what is missing", async () => {
  const command = join(folder.path, "no-docker");
  await expect(findBuilder({ runner, command })).rejects.toMatchObject({ code: "TOOL_MISSING" });
});
