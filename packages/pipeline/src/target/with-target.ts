import type { Settings } from "@belay/config";
import { messageOf, type RecordStore } from "@belay/core";
import { patientStore, type RolloutPorts } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import { holderOf, type OpenTarget, openTarget } from "./open-target.ts";

export interface TargetAtHand extends OpenTarget {
  /** The records of its ledger, to be read without giving up at the first reset. */
  readonly records: RecordStore;
}

/** Opens the target of an environment for as long as `work` takes. */
export async function withTarget<T>(
  context: PipelineContext,
  settings: Settings,
  githubToken: string,
  work: (open: TargetAtHand) => Promise<T>,
): Promise<T> {
  const open = await openTarget(context, settings, githubToken);
  try {
    const { clock, log } = context;
    const records = patientStore(open.target.store, { clock, log, random: Math.random });
    return await work({ ...open, records });
  } finally {
    // The work is done or has failed with an error of its own: a connection that ends badly changes neither.
    await open.close().catch((error: unknown) => context.log.debug(`closing the target: ${messageOf(error)}`));
  }
}

/** The same with all that a rollout or a recovery works with, the environment's probes under way. */
export function withRolloutPorts<T>(
  context: PipelineContext,
  settings: Settings,
  githubToken: string,
  work: (ports: RolloutPorts) => Promise<T>,
): Promise<T> {
  return withTarget(context, settings, githubToken, async (open) => {
    // The probes must go on while a cancelled deployment is taken back, so they have a signal of their own.
    const probing = new AbortController();
    try {
      const prober = await open.startProber(probing.signal);
      const { clock, log, redactor, signal } = context;
      const { target } = open;
      const ports = { target, clock, log, redactor, signal, random: Math.random, holder: holderOf(context) };
      return await work(prober === undefined ? ports : { ...ports, prober });
    } finally {
      probing.abort();
    }
  });
}
