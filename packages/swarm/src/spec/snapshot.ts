import { gunzipSync, gzipSync } from "node:zlib";
import { BelayError, type Goal, messageOf, type ObservedService, perObject } from "@belay/core";
import type { NetworkCreateBody, ServiceSpec } from "@belay/docker";

/** One touched service as it was before the first change. */
export interface ServiceSnapshot {
  readonly service: string;
  readonly name: string;
  readonly goal: Goal;
  /** The whole spec; none for a service that did not exist. */
  readonly spec?: ServiceSpec;
  /** Revision of its task template. */
  readonly revision: string;
  readonly image: string;
  readonly desired: number;
  /** How many of its tasks were right: nothing more is asked of it on the way back. */
  readonly ready: number;
  /** Replicas that the deployment writes. None: the scale is not its matter, in neither direction. */
  readonly replicas?: number;
  readonly dependsOn: readonly string[];
}

/** A network that a service was in, as it would have to be made again. */
export interface NetworkSnapshot {
  readonly id: string;
  readonly body: NetworkCreateBody;
}

export interface Snapshot {
  readonly schema: "belay.swarm-snapshot/v1";
  readonly stack: string;
  /** Whether networks, configs and secrets were made with the services. */
  readonly whole: boolean;
  /** Highest deployment number on the labels before the first change: what has a higher one was made after. */
  readonly labelledDeployment: number;
  readonly services: readonly ServiceSnapshot[];
  readonly networks: readonly NetworkSnapshot[];
}

/** Gzipped JSON. It holds what `docker service inspect` shows, values of environment variables too. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  return gzipSync(JSON.stringify(snapshot));
}

/** @throws BelayError LEDGER_ERROR when the bytes are no snapshot of this version. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const doing = "reading the snapshot of the deployment";
  try {
    const value = JSON.parse(gunzipSync(bytes).toString("utf8")) as Partial<Snapshot>;
    if (value.schema === "belay.swarm-snapshot/v1") return value as Snapshot;
    throw new Error(`its schema is ${JSON.stringify(value.schema)}`);
  } catch (error) {
    const next = "Use the version of Belay that began the deployment.";
    throw new BelayError("LEDGER_ERROR", { doing, got: messageOf(error), next, cause: error });
  }
}

const byService = perObject(({ services }: Snapshot) => new Map(services.map((one) => [one.service, one])));

/** A service as the judge of a restoration has to see it: what was ill before is no matter of the judge's. */
export function asRestored(seen: ObservedService, snapshot: Snapshot): ObservedService {
  const was = byService(snapshot).get(seen.name);
  if (was?.spec === undefined || was.goal === "complete" || was.ready >= was.desired) return seen;
  // Of what had nothing that was right, none is expected and none is too many: it may recover, or come and go.
  const counts = (ready: boolean): boolean => was.ready > 0 && ready;
  const instances = seen.instances.filter((one) => one.revision !== seen.wantedRevision || counts(one.ready));
  return { ...seen, desired: Math.min(was.ready, seen.desired), instances };
}
