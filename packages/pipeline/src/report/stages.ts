import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf, parseJson, readJobFile, type StageReport, toBelayError, writeJobFile } from "@belay/core";
import * as z from "zod/mini";
import type { PipelineContext } from "../run/context.ts";
import { stagesPath } from "../run/places.ts";
import { STAGE_FORM } from "./stage-form.ts";

/** Stages of this job so far, in their order. A missing or unreadable file means none: they are only told, never decided on. */
export async function readStages(context: PipelineContext): Promise<readonly StageReport[]> {
  try {
    const value = parseJson(await readJobFile(stagesPath(context)));
    return z.array(STAGE_FORM).parse(value) as StageReport[];
  } catch (error) {
    context.log.debug(`no stages of earlier steps: ${String(error)}`);
    return [];
  }
}

/** Adds stages; one of the same name (a repeated step) is replaced. A full disk is told and changes nothing else. */
export async function addStages(
  context: PipelineContext,
  stages: readonly StageReport[],
): Promise<readonly StageReport[]> {
  const kept = (await readStages(context)).filter((old) => stages.every((stage) => stage.name !== old.name));
  const all = [...kept, ...stages];
  try {
    await mkdir(dirname(stagesPath(context)), { recursive: true });
    await writeJobFile(stagesPath(context), JSON.stringify(all));
  } catch (error) {
    context.log.warn(`The stages could not be kept for later steps: ${messageOf(error)}`);
  }
  return all;
}

/** Runs a stage and notes how long it took and whether it passed, also when it throws. */
export async function timedStage<T>(
  context: PipelineContext,
  name: StageReport["name"],
  work: () => Promise<T>,
  describe: (result: T) => string,
): Promise<T> {
  const begun = context.clock.now();
  const took = (): number => Math.round(context.clock.now() - begun);
  try {
    const result = await work();
    await addStages(context, [{ name, state: "passed", durationMs: took(), detail: describe(result) }]);
    return result;
  } catch (thrown) {
    const error = toBelayError(thrown, `the stage ${name}`);
    const failing = error.code === "TESTS_FAILED" ? "test" : name;
    await addStages(context, [{ name: failing, state: "failed", durationMs: took(), detail: error.got }]);
    throw error;
  }
}
