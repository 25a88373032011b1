import type { Inputs } from "@belay/core";
import { loadPruneInputs, type PipelineContext, prune, pruneJson, pruneText } from "@belay/pipeline";
import type { CommandResult } from "./run-command.ts";

export async function runPrune(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const pruned = await prune(context, loadPruneInputs(inputs));
  return { text: pruneText(pruned), json: { outcome: "succeeded", ...pruneJson(pruned) }, exitCode: 0 };
}
