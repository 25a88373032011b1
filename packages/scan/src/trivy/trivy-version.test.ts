import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError, createRunner, Redactor } from "@belay/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Trivy } from "./trivy.ts";
import { TrivyVersions } from "./trivy-version.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-version-"));
  await mkdir(join(folder, "bin"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A program that says which version it is, and leaves a mark each time it is asked. */
async function write(version: string): Promise<void> {
  const path = join(folder, "bin/trivy");
  await writeFile(path, `#!/bin/sh\necho asked >> '${folder}/asked'\necho 'Version: ${version}'\n`);
  await chmod(path, 0o755);
}

it("is asked of a program once, and again when the program is another one", async () => {
  const redactor = new Redactor();
  const command = join(folder, "bin/trivy");
  const versions = new TrivyVersions(join(folder, "versions"));
  const open = async (): Promise<string> =>
    (await Trivy.open({ runner: createRunner(redactor), redactor, command, versions })).version;
  const asked = async (): Promise<number> => {
    return (await readFile(join(folder, "asked"), "utf8")).trim().split("\n").length;
  };
  await write("0.72.0");
  expect([await open(), await open(), await asked()]).toEqual(["0.72.0", "0.72.0", 1]);
  await write("0.73.10");
  expect([await open(), await open(), await asked()]).toEqual(["0.73.10", "0.73.10", 2]);
  await write("0.50.0");
  await expect(open()).rejects.toMatchObject({ code: "TOOL_TOO_OLD" });
  await expect(open()).rejects.toMatchObject({ code: "TOOL_TOO_OLD" });
});

it("that does not answer is no Trivy that is missing: nothing else is downloaded for it, and nothing was scanned", async () => {
  const runner = async (): Promise<never> => {
    throw new BelayError("TIMED_OUT", {
      doing: "looking for Trivy",
      got: "it was not done after 60000 ms and was ended",
    });
  };
  const opening = Trivy.open({ runner, redactor: new Redactor() });
  await expect(opening).rejects.toMatchObject({ code: "SCAN_FAILED", exitCode: 11, obstacle: "timed_out" });
});
