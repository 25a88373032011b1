import type { Clock, Log, Redactor, Runner } from "@belay/core";

/** What every use case works with; made once by an action or the command line. */
export interface PipelineContext {
  /** Absolute folder that relative paths in inputs are relative to. */
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly runner: Runner;
  readonly clock: Clock;
  /** Name of this run, unlike any other's: who holds a deployment in the ledger. */
  readonly runName: string;
  /** Aborts when the run is cancelled. */
  readonly signal: AbortSignal;
}
