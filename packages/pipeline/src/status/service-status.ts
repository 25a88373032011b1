import type { Digest, ObservedService, RunningService, Source, Target } from "@belay/core";
import { driftOf, type HistoryEntry, progressOf, type RunsFacts } from "@belay/rollout";

/** A service as it truly runs, with what the ledger knows of who brought it. */
export interface ServiceStatus extends RunningService {
  /** Current instances by what the engine says of them: `running, healthy` → 2. */
  readonly health: Readonly<Record<string, number>>;
  /** Where its release came from, when the ledger has that release; labels alone prove nothing. */
  readonly source?: Source;
  readonly releaseDigest?: Digest;
  /** Who brought it: who asked for the rollback, else the run or machine that deployed. Outside text. */
  readonly by?: string;
  /** Set when a rollback by hand brought it. */
  readonly rolledBackTo?: number;
  /** It ran once to its good end, as the deployment that brought it has proven: no instance of it is missed. */
  readonly done?: true;
  /** How it differs from what the ledger says should run. */
  readonly drift?: string;
}

/** Joins what was read from the engine with the ledger. */
export function serviceStatuses(
  running: readonly RunningService[],
  observed: readonly ObservedService[],
  history: readonly HistoryEntry[],
  should: RunsFacts | undefined,
): readonly ServiceStatus[] {
  const drift = new Map(driftOf(should, running).map(({ service, message }) => [service, message]));
  const known = running.map((one) => {
    const entry = history.find(({ deployment }) => deployment === one.deployment);
    const begin = entry?.begin;
    // Of a restored service the labels may name a release that another deployment brought.
    const release = history.find(({ begin: of }) => of?.release?.digest === one.release)?.begin?.release;
    const by = begin?.rollback?.by ?? (begin === undefined ? undefined : holderName(begin.holder));
    const message = drift.get(one.service);
    return {
      ...one,
      health: healthOf(observed.find(({ name }) => name === one.service)),
      ...(release === undefined ? {} : { source: release.source, releaseDigest: release.digest }),
      ...(by === undefined ? {} : { by }),
      ...(begin?.rollback === undefined ? {} : { rolledBackTo: begin.rollback.to }),
      ...(isDone(one, entry) ? { done: true as const } : {}),
      ...(message === undefined ? {} : { drift: message }),
    };
  });
  return known;
}

function isDone({ service, ready, desired }: RunningService, entry: HistoryEntry | undefined): boolean {
  return ready < desired && entry?.end?.outcome === "succeeded" && entry.begin?.once?.includes(service) === true;
}

/** Their instances one by one. Everything that runs is wanted here: only what they are like is asked. */
export async function observeRunning(
  target: Target,
  running: readonly RunningService[],
  signal: AbortSignal,
): Promise<readonly ObservedService[]> {
  const wanted = running.map(({ service, desired, revision, digests }) => {
    return { service, goal: "run", desired, revision, digests } as const;
  });
  return (await target.observe(wanted, signal)).services;
}

function healthOf(service: ObservedService | undefined): Record<string, number> {
  if (service === undefined) return {};
  const [progress] = progressOf({ at: 0, services: [service], probes: [] });
  const states = (progress?.instances ?? []).filter(({ phase }) => phase === "current").map(({ state }) => state);
  return Object.fromEntries([...Map.groupBy(states, (state) => state)].map(([state, all]) => [state, all.length]));
}

/** The run of GitHub Actions (run names begin with its id), else the host. */
export function holderName(holder: { readonly run: string; readonly host: string } | undefined): string {
  if (holder === undefined) return "unknown";
  const id = /^\d+(?=\.|$)/.exec(holder.run)?.[0];
  return id === undefined ? holder.host : `run ${id}`;
}
