import type { Settings } from "@belay/config";
import type { DeploymentReport, Outcome, Target } from "@belay/core";
import { type HistoryEntry, history, type ReleaseFacts } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import { settingsOf } from "../run/settings-of.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { withTarget } from "../target/with-target.ts";
import { readStages } from "./stages.ts";

export interface LedgerReport {
  readonly settings: Settings;
  readonly report: DeploymentReport;
}

/**
 * The report of this run's deployment, read from the target: for a step that died. `undefined` when the ledger has none
 * of this run. A deployment without an end is `unverified`: what runs is told, nothing is claimed.
 */
export async function reportFromLedger(
  context: PipelineContext,
  inputs: CommonInputs,
): Promise<LedgerReport | undefined> {
  const settings = await settingsOf(context, inputs, "given");
  return withTarget(context, settings, inputs.githubToken, async ({ target, records }) => {
    // What this run has put right since, in its `post:` step, stands above the deployment, and is none.
    const own = (await history(records)).filter((one) => isOfThisRun(context, one));
    const entry = own.find(({ begin }) => begin?.intent !== "recover");
    const release = entry?.begin?.release;
    if (entry === undefined || release === undefined) return undefined;
    const told = await reportOfEntry(context, target, entry, release);
    return { settings, report: { ...told, ...(settings.url === undefined ? {} : { url: settings.url }) } };
  });
}

/** Names of runs begin with GitHub's run id, see `runName`. */
function isOfThisRun(context: PipelineContext, entry: HistoryEntry): boolean {
  const id = context.env.GITHUB_RUN_ID;
  const { run: holder, attempt } = entry.begin?.holder ?? {};
  if (attempt !== Number(context.env.GITHUB_RUN_ATTEMPT ?? "1")) return false;
  return id !== undefined && holder !== undefined && (holder === id || holder.startsWith(`${id}.`));
}

/** What the ledger says of a deployment, with what runs now. `release`: the one of its begin. */
export async function reportOfEntry(
  context: PipelineContext,
  target: Pick<Target, "kind" | "scope" | "running" | "advice">,
  entry: HistoryEntry,
  release: ReleaseFacts,
): Promise<DeploymentReport> {
  const { begin, end, deployment } = entry;
  const outcome: Outcome = end === undefined || end.outcome === "withdrawn" ? "unverified" : end.outcome;
  const [running, advice, stages] = await Promise.all([target.running(), target.advice(), readStages(context)]);
  const startedAt = begin?.beganAt ?? context.clock.date().toISOString();
  const endedAt = end?.endedAt ?? context.clock.date().toISOString();
  const before = begin?.before;
  return {
    application: target.scope.application,
    environment: target.scope.environment,
    target: target.kind,
    outcome,
    deployment,
    release: { digest: release.digest, source: release.source },
    ...(begin?.rollback === undefined ? {} : { rollback: begin.rollback }),
    changes: [],
    ...(begin?.once === undefined ? {} : { once: begin.once }),
    findings: end?.findings ?? [],
    running,
    evidence: [],
    advice,
    notCovered: [],
    stages,
    startedAt,
    durationMs: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)),
    ...(end?.cause === undefined ? {} : { cause: end.cause }),
    ...(before?.release === undefined
      ? {}
      : {
          previous: {
            release: before.release.digest,
            source: before.release.source,
            ...(before.deployment === undefined ? {} : { deployment: before.deployment }),
          },
        }),
  };
}
