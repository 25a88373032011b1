import type { RunningService } from "@belay/core";
import { current, type HistoryEntry, history, type RunsFacts } from "@belay/rollout";
import type { PipelineContext } from "./context.ts";
import { settingsOf } from "./settings-of.ts";
import type { CommonInputs } from "./use-case-inputs.ts";
import { withTarget } from "./with-target.ts";

/** What truly runs in an environment, and what its ledger says should. */
export interface EnvironmentStatus {
  readonly application: string;
  readonly environment: string;
  /** Read from the engine now. */
  readonly running: readonly RunningService[];
  /** From the ledger's last end; `undefined` when nothing was ever deployed. */
  readonly should: RunsFacts | undefined;
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
  readonly advice: readonly { readonly title: string; readonly command: string }[];
}

/** Reads the target and its ledger. Changes nothing. */
export async function status(context: PipelineContext, inputs: CommonInputs): Promise<EnvironmentStatus> {
  const settings = await settingsOf(context, inputs);
  const { application, environment } = settings;
  return withTarget(context, settings, inputs.githubToken, async ({ target }) => {
    const reading = [target.running(), current(target.store), history(target.store), target.advice()] as const;
    const [running, should, entries, advice] = await Promise.all(reading);
    return { application, environment, running, should, history: entries, advice };
  });
}
