import type { Settings } from "@belay/config";
import type { Target } from "@belay/core";
import { type HistoryEntry, history } from "@belay/rollout";
import type { PipelineContext } from "./context.ts";
import { withTarget } from "./with-target.ts";

/**
 * Digests of every kind that an environment needs, and why: what its ledger may go back to, and what runs now. The ledger
 * keeps the last proven deployments and everything that has not ended, so all that it still has counts.
 * @throws what opening the target or reading its ledger throws: then nobody knows what is needed
 */
export async function neededImages(
  context: PipelineContext,
  settings: Settings,
  githubToken: string,
): Promise<ReadonlyMap<string, string>> {
  return withTarget(context, settings, githubToken, async ({ target }) => {
    const [entries, running] = await Promise.all([wholeHistory(target), target.running()]);
    const needed = new Map<string, string>();
    for (const { image, digests } of running) {
      for (const digest of [digestOf(image), ...digests]) note(needed, digest, `it runs in ${settings.environment}`);
    }
    for (const { deployment, begin } of entries) {
      const why = `deployment ${deployment} of ${settings.environment} can be gone back to`;
      for (const image of Object.values(begin?.release?.images ?? {})) note(needed, digestOf(image), why);
    }
    const why = `the ledger of ${settings.environment} names it`;
    for (const digest of entries.flatMap(otherDigests)) note(needed, digest, why);
    return needed;
  });
}

function wholeHistory({ store }: Target): Promise<readonly HistoryEntry[]> {
  return history(store, Number.POSITIVE_INFINITY);
}

/** What ran before a deployment, and what its end says that runs. */
function otherDigests({ begin, end }: HistoryEntry): (string | undefined)[] {
  const images = [begin?.before?.release, end?.runs?.release].flatMap((one) => Object.values(one?.images ?? {}));
  const running = (end?.running ?? []).flatMap(({ image, digests }) => [digestOf(image), ...digests]);
  return [...images.map(digestOf), ...running];
}

/** `repository@sha256:…` as it stands on engines and in ledgers. */
function digestOf(image: string): string | undefined {
  return /sha256:[0-9a-f]{64}$/.exec(image)?.[0];
}

function note(needed: Map<string, string>, digest: string | undefined, why: string): void {
  if (digest !== undefined && !needed.has(digest)) needed.set(digest, why);
}
