import { gunzipSync, gzipSync } from "node:zlib";
import { BelayError, messageOf } from "@belay/core";
import type { ObjectVerb, SavedObject } from "./desired.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { FIELD_MANAGER } from "./marks.ts";
import { isTouched, type PlanContents } from "./plan-detail.ts";
import { revisionOf, templateOf } from "./workload.ts";

/** One object, with what the deployment makes of it: anything else that is found later, somebody else has done. */
export interface SnapshotObject extends SavedObject {
  /** Revision that the deployment wants. */
  readonly becomes?: string;
  /** How many pods there were to be: for a workload that is gone. */
  readonly desired?: number;
  /** How many pods of its template were ready: no more is asked for on the way back. */
  readonly ready?: number;
  /** The deployment removes it. */
  readonly pruned?: boolean;
}

export interface Snapshot {
  readonly schema: "belay.kubernetes-snapshot/v1";
  readonly namespace: string;
  /** Highest deployment number on the labels before the first change: what has a higher one was made after. */
  readonly labelledDeployment: number;
  /** Engine's time, milliseconds since 1970. */
  readonly at: number;
  /** In the order in which they are changed. */
  readonly objects: readonly SnapshotObject[];
}

/** Gzipped JSON. It holds whole objects, values of environment variables and Secrets too: so does the ledger. */
export function encodeSnapshot(
  plan: PlanContents,
  verbs: (name: SavedObject["verb"]) => ObjectVerb,
  place: { readonly namespace: string; readonly at: number },
): Uint8Array {
  const changed = plan.objects.filter(isTouched).map(({ desired, live, preview }): SnapshotObject => {
    const template = preview.object && templateOf(preview.object);
    const change = plan.changes.find(({ service }) => service === desired.service);
    return {
      ...verbs(desired.verb).save(desired, live),
      ...(template === undefined ? {} : { becomes: revisionOf(template) }),
      ...(change?.from === undefined ? {} : { desired: change.from.instances }),
      ...readyOf(plan, desired.service),
    };
  });
  const pruned = plan.prune.map(({ key, live, service }): SnapshotObject => {
    const named = service === undefined ? {} : { service };
    const desired = { ...key, ...named, verb: pruneVerb(live), dependsOn: [] } as const;
    return { ...verbs(desired.verb).save(desired, live), pruned: true };
  });
  const snapshot: Snapshot = {
    schema: "belay.kubernetes-snapshot/v1",
    namespace: place.namespace,
    labelledDeployment: plan.labelledDeployment,
    at: place.at,
    objects: [...changed, ...pruned],
  };
  return gzipSync(JSON.stringify(snapshot));
}

function readyOf({ ready }: PlanContents, service: string | undefined): Pick<SnapshotObject, "ready"> {
  const count = service === undefined ? undefined : ready.get(service);
  return count === undefined ? {} : { ready: count };
}

/** What was only ever patched was not made by `apply`: it comes back as it was found. */
function pruneVerb({ metadata }: KubernetesObject): SavedObject["verb"] {
  const applied = metadata.managedFields?.some(
    ({ manager, operation }) => manager === FIELD_MANAGER && operation === "Apply",
  );
  return applied ? "apply" : "patch-image";
}

/** @throws BelayError LEDGER_ERROR when the bytes are no snapshot of this version. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const doing = "reading the snapshot of the deployment";
  try {
    const value = JSON.parse(gunzipSync(bytes).toString("utf8")) as Partial<Snapshot>;
    if (value.schema === "belay.kubernetes-snapshot/v1") return value as Snapshot;
    throw new Error(`its schema is ${JSON.stringify(value.schema)}`);
  } catch (error) {
    const next = "Use the version of Belay that began the deployment.";
    throw new BelayError("LEDGER_ERROR", { doing, got: messageOf(error), next, cause: error });
  }
}
