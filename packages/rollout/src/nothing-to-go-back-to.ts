import {
  type CauseDetail,
  type Finding,
  type Instance,
  messageOf,
  type Observation,
  type ObservedService,
  type Plan,
} from "@belay/core";
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

/** Why a release stays that failed for this cause; nothing when the way back may lead to something better. */
export type WhyKept = (cause: CauseDetail, seen: Observation | undefined) => Finding | undefined;

/**
 * Tells when a way back would lead to nothing better: no release has ever been proven here, since the first one failed and was
 * kept, and nothing of the service that fails is right before the change either. Where it has become well since, it is worth
 * going back to; where that can't be told, it is tried.
 */
export async function nothingToGoBackTo(
  ports: Pick<RolloutPorts, "target" | "log">,
  { before, plan, look }: BeforeChange,
): Promise<WhyKept | undefined> {
  // Whether the ledger knows a name for it does not matter: it has none after a run that was cancelled or killed since.
  if (before === undefined || before.proven) return undefined;
  try {
    if (await everProven(ports.target.store)) return undefined;
    const ill = illServices(plan, await look());
    if (ill.size === 0) return undefined;
    ports.log.warn(messageFor(before.deployment, [...ill]));
    return (cause, seen) =>
      leadsNowhere(plan, ill, cause, seen) ? findingOf(before.deployment, ill, cause) : undefined;
  } catch (error) {
    ports.log.debug(`Whether there is anything to go back to is not known: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * The way back brings what was well before: it leads nowhere only where the failure is of what was ill already, and nothing that
 * was well is worse now. Of several services that fail the cause names one.
 */
function leadsNowhere(
  { services }: Plan,
  ill: ReadonlySet<string>,
  { service: failed }: CauseDetail,
  seen: Observation | undefined,
): boolean {
  if (failed !== undefined && !ill.has(failed)) return false;
  const touched = services.filter(({ action }) => action !== "unchanged").map(({ service }) => service);
  return touched.length > 0 && touched.every((one) => ill.has(one) || (failed !== undefined && isStillWell(one, seen)));
}

function isStillWell(name: string, seen: Observation | undefined): boolean {
  const service = seen && find(seen.services, name);
  return seen !== undefined && service !== undefined && !isIll(service, seen.at);
}

function findingOf(deployment: number | undefined, ill: ReadonlySet<string>, cause: CauseDetail): Finding {
  const { service = [...ill][0] as string } = cause;
  return {
    level: "warn",
    check: "nothing_proven",
    service,
    message: messageFor(deployment, cause.service === undefined ? [...ill] : [service]),
    remedy: "A release that fails stays, as a first one does (on-first-failure: keep). Deploy one that works.",
  };
}

function messageFor(deployment: number | undefined, services: readonly string[]): string {
  const kept = deployment === undefined ? "what runs" : `deployment ${deployment} failed, was kept and`;
  return `there is nothing to go back to for ${services.join(", ")}: no release has been proven here yet, and ${kept} is not right`;
}

/** Those that should run before the change, and of which no instance is well. */
function illServices({ services }: Plan, { at, services: seen }: Observation): ReadonlySet<string> {
  const ran = services.filter(({ goal, from }) => goal === "run" && from !== undefined);
  return new Set(ran.map(({ service }) => service).filter((name) => isIll(find(seen, name), at)));
}

function find(seen: Observation["services"], service: string): ObservedService | undefined {
  return seen.find(({ name }) => name === service);
}

/** Of one that was not seen nothing is known; and one of which nothing should run has nothing that could be well. */
function isIll(service: ObservedService | undefined, at: number): boolean {
  if (service === undefined || service.desired === 0) return false;
  const { instances } = service;
  const crashed = new Set(instances.filter((one) => hasJustEnded(one, at)).map(({ slot }) => slot));
  return !instances.some((one) => one.phase === "current" && isReady(one) && !crashed.has(one.slot));
}

/** Both times are the engine's. */
function hasJustEnded({ phase, containers }: Instance, at: number): boolean {
  if (phase === "draining") return false;
  return containers.some(({ lastExit }) => lastExit?.at !== undefined && at - lastExit.at < SETTLED_MS);
}
