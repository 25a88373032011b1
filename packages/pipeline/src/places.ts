import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { PipelineContext } from "./context.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

/** Folder that the steps of one job share: `$RUNNER_TEMP/belay`, or `belay` in the system's temporary folder. */
export function belayFolder(context: PipelineContext): string {
  return join(context.env.RUNNER_TEMP || tmpdir(), "belay");
}

/** Where the release document is read and written: the input `release`, else `release.json` in {@link belayFolder}. */
export function releasePath(context: PipelineContext, inputs: CommonInputs): string {
  return inputs.release === undefined
    ? join(belayFolder(context), "release.json")
    : resolve(context.workingDirectory, inputs.release);
}

/** What the last use case has to tell; `report` shows it. */
export function reportPath(context: PipelineContext): string {
  return join(belayFolder(context), "report.json");
}

/** Stages that this job has gone through so far. */
export function stagesPath(context: PipelineContext): string {
  return join(belayFolder(context), "stages.json");
}
