import { isBelayError } from "@belay/core";
import type { RolloutEvent, RolloutPorts } from "./ports.ts";
import type { Step } from "./steps.ts";

/** Tells of a step just before it is done. Everything that a run does goes through here. */
export async function announce(ports: RolloutPorts, step: Step, stage?: string): Promise<void> {
  emit(ports, stage === undefined ? { kind: "step", step } : { kind: "step", step, stage });
  await ports.onStep?.(step, stage);
}

export function emit(ports: RolloutPorts, event: RolloutEvent): void {
  ports.onEvent?.(event);
}

/** True for what may heal by itself: the engine is away, slow, or could not answer this once. */
export function canHeal(error: unknown): boolean {
  return isBelayError(error, "ENGINE_UNREACHABLE", "TIMED_OUT", "LEDGER_ERROR");
}

/** Pause before the next try: 0.25 s at first, then longer, 5 s at the most, with jitter. */
export function pauseMs(attempt: number, random: () => number): number {
  return Math.min(250 * 2 ** attempt, 5_000) * (0.5 + random() / 2);
}
