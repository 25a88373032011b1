import { type Finding, type Instance, messageOf, type Observation, type Plan } from "@belay/core";
import { isReady } from "./baseline.ts";
import { everProven } from "./history.ts";
import type { RolloutPorts } from "./ports.ts";
import type { RunsFacts } from "./records.ts";

/** How long the last end of an instance must be past before it is taken for well, in milliseconds: crashes come in rows. */
const SETTLED_MS = 60_000;

/** What is known of the target before the first change of a deployment. */
export interface BeforeChange {
  /** What the ledger says of it. */
  readonly before: RunsFacts | undefined;
  readonly plan: Plan;
  /** Looks at it. */
  readonly look: () => Promise<Observation>;
}

/**
 * Tells when a way back would lead to nothing better: no release has ever been proven here, since the first one failed and was
 * kept, and what runs of it is not right now either. Where it has become well since, it is worth going back to; where that
 * can't be told, it is tried.
 */
export async function nothingToGoBackTo(
  ports: Pick<RolloutPorts, "target" | "log">,
  { before, plan, look }: BeforeChange,
): Promise<Finding | undefined> {
  if (before?.release === undefined || before.proven) return undefined;
  try {
    if (await everProven(ports.target.store)) return undefined;
    const ill = findIll(plan, await look());
    return ill === undefined ? undefined : findingOf(before.deployment, ill);
  } catch (error) {
    ports.log.debug(`Whether there is anything to go back to is not known: ${messageOf(error)}`);
    return undefined;
  }
}

function findingOf(deployment: number | undefined, service: string): Finding {
  const kept = deployment === undefined ? "the one that runs" : `deployment ${deployment}`;
  return {
    level: "warn",
    check: "nothing_proven",
    service,
    message: `there is nothing to go back to: no release has been proven here yet, and ${kept} failed, was kept and is not right`,
    remedy: "A release that fails stays, as a first one does (on-first-failure: keep). Deploy one that works.",
  };
}

/** A service of which fewer instances are well than run. */
function findIll({ services }: Plan, { at, services: seen }: Observation): string | undefined {
  const ill = services.find(({ service, goal, from }) => {
    if (goal !== "run" || from === undefined) return false;
    const instances = seen.find(({ name }) => name === service)?.instances ?? [];
    const crashed = new Set(instances.filter((one) => hasJustEnded(one, at)).map(({ slot }) => slot));
    const well = instances.filter((one) => one.phase === "current" && isReady(one) && !crashed.has(one.slot));
    return well.length < Math.max(1, from.instances);
  });
  return ill?.service;
}

/** Both times are the engine's. */
function hasJustEnded({ phase, containers }: Instance, at: number): boolean {
  if (phase === "draining") return false;
  return containers.some(({ lastExit }) => lastExit?.at !== undefined && at - lastExit.at < SETTLED_MS);
}
