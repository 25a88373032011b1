import { gunzipSync, gzipSync } from "node:zlib";
import type { Goal } from "@belay/core";
import { BelayError, messageOf } from "@belay/core";
import type { ContainerInspect, Docker } from "@belay/docker";
import { type KeptFile, keepFiles } from "../files/kept-files.ts";
import { isTouched, type PlanContents } from "../plan/plan-detail.ts";
import { sampleOf } from "./snapshot-members.ts";

/** One touched service as it was before the first change. */
export interface ServiceSnapshot {
  readonly service: string;
  readonly name: string;
  readonly goal: Goal;
  /** Old and new can't run side by side: the new ones go first. */
  readonly exclusive: boolean;
  readonly containers: readonly ContainerInspect[];
  /** What was copied into them besides; none where that is not known. */
  readonly files?: readonly KeptFile[];
}

export interface Snapshot {
  readonly schema: "belay.compose-snapshot/v1";
  readonly project: string;
  /** Highest deployment number on the labels before the first change: what has a higher one was made after. */
  readonly labelledDeployment: number;
  /** Engine's time of the look at the containers, milliseconds since 1970. */
  readonly at?: number;
  readonly services: readonly ServiceSnapshot[];
}

/**
 * `at`: engine's time, milliseconds since 1970. Gzipped JSON. It holds what `inspect` shows, values of environment variables
 * too, and the texts of configs that compose copies into containers; those of secrets never.
 */
export async function takeSnapshot(plan: PlanContents, at: number, docker: Docker): Promise<Uint8Array> {
  const services = await Promise.all(
    plan.services.filter(isTouched).map(async ({ service, name, goal, action, current }): Promise<ServiceSnapshot> => {
      const containers = current.map((container) => trim(container.inspect));
      const one = { service, name, goal, exclusive: action === "recreate", containers };
      const sample = sampleOf(one, at);
      const files = sample && (await keepFiles(docker, sample));
      return files === undefined ? one : { ...one, files };
    }),
  );
  const snapshot: Snapshot = {
    schema: "belay.compose-snapshot/v1",
    project: plan.project.name,
    labelledDeployment: plan.labelledDeployment,
    at,
    services,
  };
  return gzipSync(JSON.stringify(snapshot));
}

/** @throws BelayError LEDGER_ERROR when the bytes are no snapshot of this version. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const doing = "reading the snapshot of the deployment";
  try {
    const value = JSON.parse(gunzipSync(bytes).toString("utf8")) as Partial<Snapshot>;
    if (value.schema === "belay.compose-snapshot/v1") return value as Snapshot;
    throw new Error(`its schema is ${JSON.stringify(value.schema)}`);
  } catch (error) {
    const next = "Use the version of Belay that began the deployment.";
    throw new BelayError("LEDGER_ERROR", { doing, got: messageOf(error), next, cause: error });
  }
}

/** What is needed to make the container again, without what only the old one had (logs, layers, process). */
function trim(inspect: ContainerInspect): ContainerInspect {
  const { Id, Name, Created, Image, RestartCount, Path, Args, State, Config, HostConfig, Mounts, NetworkSettings } =
    inspect;
  const { Health, ...state } = State;
  const { Networks } = NetworkSettings;
  // Whether it was well is needed; what its checks said is not, and may be long.
  const health = Health == null ? {} : { Health: { Status: Health.Status, FailingStreak: Health.FailingStreak } };
  return {
    ...{
      Id,
      Name,
      Created,
      Image,
      RestartCount,
      Path,
      Args,
      State: { ...state, ...health },
      Config,
      HostConfig,
      Mounts,
    },
    NetworkSettings: { Networks },
  };
}
