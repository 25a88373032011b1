import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { BelayError } from "@belay/core";
import type { PipelineContext } from "./context.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

/**
 * Folder that the steps of one job share: `$RUNNER_TEMP/belay`. Outside of a runner it is one of this user and this
 * working directory below the system's temporary folder; it is made when it is missing, and nobody else can look in.
 * @throws BelayError INVALID_INPUT when somebody else made a folder of that name.
 */
export function belayFolder(context: PipelineContext): string {
  const given = context.env.RUNNER_TEMP;
  if (given) return join(given, "belay");
  const { uid } = userInfo();
  const name = createHash("sha256")
    .update(`${uid}\0${resolve(context.workingDirectory)}`)
    .digest("hex")
    .slice(0, 16);
  const folder = join(tmpdir(), `belay-${name}`);
  // Made here and not by who writes first, because everybody may make folders there, under guessed names too.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (found.isDirectory() && (uid < 0 || found.uid === uid)) return folder;
  throw new BelayError("INVALID_INPUT", {
    doing: "opening the folder that Belay's stages share",
    got: `${folder} is not a folder of this user`,
    next: "Remove it, or set RUNNER_TEMP to a folder of your own.",
  });
}

/** Where the release document is read and written: the input `release`, else `release.json` in {@link belayFolder}. */
export function releasePath(context: PipelineContext, inputs: CommonInputs): string {
  return inputs.release === undefined
    ? join(belayFolder(context), "release.json")
    : resolve(context.workingDirectory, inputs.release);
}

/**
 * Folder where the build leaves a service's image, as an OCI image layout, when it does not leave it to an engine: beside
 * the release document, so that both travel together. Which image it is, the release says.
 */
export function layoutPath(releasePath: string, service: string): string {
  return join(dirname(releasePath), "images", service);
}

/** Whether the build left the image on disk and in no engine. */
export function hasLayout(releasePath: string, service: string): boolean {
  return existsSync(join(layoutPath(releasePath, service), "index.json"));
}

/** Where the scan step leaves its files for the steps after it, a folder per format. */
export function scanFolder(context: PipelineContext): string {
  return join(belayFolder(context), "scan");
}

/** What the last use case has to tell; `report` shows it. */
export function reportPath(context: PipelineContext): string {
  return join(belayFolder(context), "report.json");
}

/** Stages that this job has gone through so far. */
export function stagesPath(context: PipelineContext): string {
  return join(belayFolder(context), "stages.json");
}
