import type { RunningService } from "@belay/core";
import { current, type HistoryEntry, history, type RunsFacts } from "@belay/rollout";
import type { PipelineContext } from "./context.ts";
import { openTarget } from "./open-target.ts";
import { settingsOf } from "./settings-of.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

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
  const open = await openTarget(context, settings, inputs.githubToken);
  try {
    const { target } = open;
    const [running, should, entries, advice] = await Promise.all([
      target.running(),
      current(target.store),
      history(target.store),
      target.advice(),
    ]);
    return {
      application: settings.application,
      environment: settings.environment,
      running,
      should,
      history: entries,
      advice,
    };
  } finally {
    await open.close();
  }
}
