import type { Settings } from "@belay/config";
import type { RunningService } from "@belay/core";
import { type HistoryEntry, history, Ledger, type OpenSnapshot, openSnapshots } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import { holderOf } from "../target/open-target.ts";
import { withTarget } from "../target/with-target.ts";

export interface Needs {
  /** Digests of every kind (index, manifest, config), and why each is needed. */
  readonly digests: ReadonlyMap<string, string>;
  /** Whether the target has any record of a deployment. */
  readonly recorded: boolean;
}

/**
 * What an environment needs: what its ledger may go back to, what runs now, and what a deployment that has not ended would bring
 * back. The ledger keeps the last proven deployments and everything that has not ended, so all that it still has counts.
 * @throws what opening the target or reading its ledger throws: then nobody knows what is needed
 */
export async function neededImages(context: PipelineContext, settings: Settings, githubToken: string): Promise<Needs> {
  const { clock, log, redactor } = context;
  return withTarget(context, settings, githubToken, async ({ target, requirePlace }) => {
    await requirePlace?.();
    const ports = { store: target.store, clock, log, redactor, random: Math.random };
    const ledger = new Ledger({ ...ports, holder: holderOf(context) });
    // Before what runs: when one ends in between, what it brought or put back is seen there.
    const open = await openSnapshots(ledger);
    const [entries, running] = await Promise.all([history(ledger.store, Number.POSITIVE_INFINITY), target.running()]);
    return { digests: digestsOf(settings.environment, { entries, running, open }), recorded: entries.length > 0 };
  });
}

interface Found {
  readonly entries: readonly HistoryEntry[];
  readonly running: readonly RunningService[];
  readonly open: readonly OpenSnapshot[];
}

/** The first reason that is found for one is told. */
function digestsOf(environment: string, { entries, running, open }: Found): ReadonlyMap<string, string> {
  const needed = new Map<string, string>();
  const note = (why: string, digests: readonly (string | undefined)[]): void => {
    for (const digest of digests) if (digest !== undefined && !needed.has(digest)) needed.set(digest, why);
  };
  note(`it runs in ${environment}`, running.flatMap(digestsOfService));
  for (const { deployment, begin } of entries) {
    const images = Object.values(begin?.release?.images ?? {});
    note(`deployment ${deployment} of ${environment} can be gone back to`, images.map(digestOf));
  }
  note(`the ledger of ${environment} names it`, entries.flatMap(otherDigests));
  for (const { deployment, digests } of open) {
    note(`deployment ${deployment} of ${environment} has not ended, and would bring it back`, digests);
  }
  return needed;
}

/** What ran before a deployment, and what its end says that runs. */
function otherDigests({ begin, end }: HistoryEntry): (string | undefined)[] {
  const images = [begin?.before?.release, end?.runs?.release].flatMap((one) => Object.values(one?.images ?? {}));
  return [...images.map(digestOf), ...(end?.running ?? []).flatMap(digestsOfService)];
}

function digestsOfService({ image, digests }: RunningService): (string | undefined)[] {
  return [digestOf(image), ...digests];
}

/** `repository@sha256:…` as it stands on engines and in ledgers. */
function digestOf(image: string): string | undefined {
  return /sha256:[0-9a-f]{64}$/.exec(image)?.[0];
}
