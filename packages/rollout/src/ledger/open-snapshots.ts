import { gunzipSync } from "node:zlib";
import { BelayError, messageOf } from "@belay/core";
import type { Ledger } from "./ledger.ts";
import type { BeginRecord } from "./records.ts";

/** A deployment that has begun and not ended. */
export interface OpenSnapshot {
  readonly deployment: number;
  /** Every digest that its snapshot names: nobody can take it back without these images, and no release has to name them. */
  readonly digests: readonly string[];
}

/** What the way back of the open deployments needs, alive or dead. @throws BelayError LEDGER_ERROR when a snapshot can't be read. */
export async function openSnapshots(ledger: Ledger): Promise<readonly OpenSnapshot[]> {
  const open = await ledger.findOpen(await ledger.list());
  const begun = open.flatMap(({ begin }) => (begin === undefined ? [] : [begin]));
  return Promise.all(
    begun.map(async (begin) => ({ deployment: begin.deployment, digests: await read(ledger, begin) })),
  );
}

async function read(ledger: Ledger, begin: BeginRecord): Promise<readonly string[]> {
  const bytes = await ledger.readSnapshot(begin);
  if (bytes.length === 0) return [];
  try {
    // Each engine has a form of its own, and all of them are gzipped JSON.
    return [
      ...new Set(
        gunzipSync(bytes)
          .toString("utf8")
          .match(/sha256:[0-9a-f]{64}/g),
      ),
    ];
  } catch (error) {
    throw new BelayError("LEDGER_ERROR", {
      doing: `reading the snapshot of deployment ${begin.deployment}`,
      got: messageOf(error),
      next: "Use the version of Belay that began the deployment.",
      cause: error,
    });
  }
}
