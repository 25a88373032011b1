import { DEFAULT_ROLLOUT, Redactor, type RolloutPolicy, systemClock } from "@belay/core";
import { type DeploymentResult, type DeployPorts, deploy } from "@belay/rollout";
import { createTestLog } from "@belay/testkit";
import type { ApplicationStand, Variants } from "../../test/contract/stand.ts";
import { openBy } from "../../test/contract/target-opener.ts";
import { requireEvidence } from "./require-evidence.ts";

/** As the issue of each figure says: the first crash counts, nothing is waited for after the proof. */
const POLICY: RolloutPolicy = { ...DEFAULT_ROLLOUT, crashes: 1, stableMs: 0, drainMs: 0, deadlineMs: 120_000 };

export interface Timed {
  readonly result: DeploymentResult;
  /** From before the connection is opened to the proof of what runs at the end. */
  readonly seconds: number;
  /** Processor time of this process in it. */
  readonly cpuSeconds: number;
}

let runs = 0;

/** One deployment by Belay, timed. */
export async function deployOnce(
  app: ApplicationStand,
  variants: Variants,
  policy: Partial<RolloutPolicy> = {},
  onEvent: DeployPorts["onEvent"] = () => undefined,
): Promise<Timed> {
  const redactor = new Redactor();
  const log = createTestLog(redactor);
  const release = await app.release(variants);
  const holder = { run: `bench-${process.pid}-${++runs}`, attempt: 1, host: "bench" };
  const signal = new AbortController().signal;
  const began = performance.now();
  const cpu = process.cpuUsage();
  const { target, close } = await openBy(app.opener(), { log, redactor });
  try {
    const own = { target, log, holder, signal, onEvent };
    const ports = { ...own, clock: systemClock, redactor: new Redactor(), random: Math.random };
    const result = await deploy({ release, policy: { ...POLICY, ...policy } }, ports);
    const seconds = (performance.now() - began) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    return { result, seconds, cpuSeconds: (user + system) / 1e6 };
  } finally {
    await close();
  }
}

/** @throws Error when it did not end as it must, or as {@link requireEvidence}: a figure of something else would be worth nothing. */
export async function deployTo(
  outcome: string,
  app: ApplicationStand,
  variants: Variants,
  policy: Partial<RolloutPolicy> = {},
  onEvent?: DeployPorts["onEvent"],
): Promise<Timed> {
  const timed = await deployOnce(app, variants, policy, onEvent);
  const { outcome: ended, cause, report } = timed.result;
  if (ended !== outcome)
    throw new Error(`a deployment ended as ${ended} (${cause?.cause}: ${cause?.detail}), not ${outcome}`);
  requireEvidence(report, variants);
  return timed;
}
