import type { RecordStore } from "@belay/core";
import { current, driftOf, type HistoryEntry, history, type RunsFacts } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import { githubOf } from "../run/github-of.ts";
import { settingsOf } from "../run/settings-of.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { withTarget } from "../target/with-target.ts";
import { requireTrusted } from "../trust/require-trusted.ts";
import { observeRunning, type ServiceStatus, serviceStatuses } from "./service-status.ts";

/** What truly runs in an environment, and what its ledger says should. */
export interface EnvironmentStatus {
  readonly application: string;
  readonly environment: string;
  /** Read from the engine now. */
  readonly running: readonly ServiceStatus[];
  /** Differences from what should run that no running service shows: services of which nothing runs. */
  readonly missing: readonly { readonly service: string; readonly message: string }[];
  /** From the ledger's last end; `undefined` when nothing was ever deployed. */
  readonly should: RunsFacts | undefined;
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
  readonly advice: readonly { readonly title: string; readonly command: string }[];
}

/** How many deployments are shown. */
const SHOWN = 20;

function wholeHistory(records: RecordStore): Promise<readonly HistoryEntry[]> {
  return history(records, Number.POSITIVE_INFINITY);
}

/**
 * Reads the target and its ledger. Changes nothing.
 * @throws BelayError INVALID_INPUT for code that nobody has accepted yet: it would choose whom the target's credentials go to
 */
export async function status(context: PipelineContext, inputs: CommonInputs): Promise<EnvironmentStatus> {
  await requireTrusted(await githubOf(context, inputs), { doing: "reading what runs" });
  const settings = await settingsOf(context, inputs, "given");
  const { application, environment } = settings;
  return withTarget(context, settings, inputs.githubToken, async ({ target, records }) => {
    const reading = [target.running(), current(records), wholeHistory(records), target.advice()] as const;
    const [running, should, entries, advice] = await Promise.all(reading);
    const observed = await observeRunning(target, running, context.signal);
    const services = serviceStatuses(running, observed, entries, should);
    const known = new Set(running.map(({ service }) => service));
    // What ran once and was cleaned away since is missed by nobody.
    const once = new Set(entries.find(({ deployment }) => deployment === should?.deployment)?.begin?.once);
    const gone = driftOf(should, running).filter(({ service }) => !known.has(service));
    const missing = gone.filter(({ service }) => !once.has(service));
    return { application, environment, running: services, missing, should, history: entries.slice(0, SHOWN), advice };
  });
}
