import {
  type CauseDetail,
  type Finding,
  type Instance,
  messageOf,
  NOTHING_PROVEN,
  type Observation,
  type ObservedService,
  type Plan,
  STILL_THERE,
} from "@belay/core";
import { isReady } from "../judge/baseline.ts";
import { wantedInstances } from "../judge/scene.ts";
import { everProven } from "../ledger/history.ts";
import type { RunsFacts } from "../ledger/records.ts";
import type { RolloutPorts } from "../ports.ts";
import type { Course } from "../way/course.ts";
import { strangersOf } from "../way/excused.ts";

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
 * What there is to say where the way back leads nowhere for this cause, or (`back`) has led to nothing better; nothing where it
 * may lead, or should have led, to something that is right. `seen`: at the end of that way. Names what is still there beside what
 * was put back.
 */
export type NothingProven = (
  cause: CauseDetail,
  seen: Observation | undefined,
  way: Course["direction"],
) => readonly Finding[] | undefined;

const REMEDIES = {
  forward: "A release that fails stays, as a first one does (on-first-failure: keep). Deploy one that works.",
  back: "What ran before was put back, and is no better than it was. Deploy a release that works.",
  recovered:
    "What ran before was put back, and failed once more. It looks right now, which proves nothing. Deploy a release that works.",
} as const;

/** What is known of a way back, by the run that goes it or by the record of one that died. */
export interface WayBack {
  /** What {@link illBefore} said before the first change. */
  readonly ill: readonly string[];
  /** Services that the way forward changes. Default: those that are seen on the way. */
  readonly touched?: readonly string[];
  /** What the ledger said of the target before the first change. */
  readonly before: RunsFacts | undefined;
}

/**
 * Tells when a way back would lead to nothing better: no release has ever been proven here, since the first one failed and was
 * kept, and nothing of the service that fails is right before the change either. Where it has become well since, it is worth
 * going back to; where that can't be told, it is tried.
 */
export function nothingToGoBackTo({ ill: names, touched, before }: WayBack): NothingProven | undefined {
  const ill = new Set(names);
  if (ill.size === 0) return undefined;
  return (cause, seen, way) => {
    const all = touched ?? seen?.services.map(({ name }) => name) ?? [];
    const isWellNow = (name: string): boolean => isWell(name, seen, way);
    if (!hasLed(way, seen) || !leadsNowhere(all, ill, cause, isWellNow)) return undefined;
    const recovered = way === "back" && cause.service !== undefined && looksRight(cause.service, seen);
    const still = way === "forward" ? [] : all.filter((one) => ill.has(one)).flatMap((one) => stillThere(one, seen));
    return [findingOf(before?.deployment, ill, cause, REMEDIES[recovered ? "recovered" : way]), ...still];
  };
}

/** Whom it asks. */
export type AskedPorts = Pick<RolloutPorts, "target" | "log">;

/** Services of which nothing is right that is to run, where no release has been proven yet. None where that can't be told. */
export async function illBefore(ports: AskedPorts, { before, plan, look }: BeforeChange): Promise<readonly string[]> {
  // Whether the ledger knows a name for it does not matter: it has none after a run that was cancelled or killed since.
  if (before === undefined || before.proven) return [];
  try {
    return (await everProven(ports.target.store)) ? [] : illServices(plan, await look());
  } catch (error) {
    ports.log.debug(`Whether there is anything to go back to is not known: ${messageOf(error)}`);
    return [];
  }
}

/** A way back whose act failed has put nothing back, or not all of it: that is not looked at any more. */
function hasLed(way: Course["direction"], seen: Observation | undefined): boolean {
  return way === "forward" || seen !== undefined;
}

/**
 * The way back brings what was well before: it leads nowhere only where the failure is of what was ill already, and nothing that
 * was well is worse now. Of several services that fail the cause names one.
 */
function leadsNowhere(
  touched: readonly string[],
  ill: ReadonlySet<string>,
  { service: failed }: CauseDetail,
  isStillWell: (name: string) => boolean,
): boolean {
  if (failed !== undefined && !ill.has(failed)) return false;
  return touched.length > 0 && touched.every((one) => ill.has(one) || (failed !== undefined && isStillWell(one)));
}

/** On the way back it must be what it was: whole, and nothing beside it. */
function isWell(name: string, seen: Observation | undefined, way: Course["direction"]): boolean {
  const service = seen && find(seen.services, name);
  if (seen === undefined || service === undefined) return false;
  if (way === "forward") return !isIll(service, seen.at);
  const wanted = wantedInstances(service);
  return strangersOf(service).length === 0 && wanted.length >= service.desired && wanted.every(isReady);
}

/** As {@link isWell}, and something of it is there to look at. */
function looksRight(name: string, seen: Observation | undefined): boolean {
  const service = seen && find(seen.services, name);
  return service !== undefined && wantedInstances(service).length > 0 && isWell(name, seen, "back");
}

function findingOf(
  deployment: number | undefined,
  ill: ReadonlySet<string>,
  cause: CauseDetail,
  remedy: string,
): Finding {
  const { service = [...ill][0] as string } = cause;
  const services = cause.service === undefined ? [...ill] : [service];
  return { level: "warn", check: NOTHING_PROVEN, service, message: messageFor(deployment, services), remedy };
}

/** So many instances are named; the rest is counted. */
const NAMED = 5;

/** An engine may keep what should go until what was put back is ready, which it is not. */
function stillThere(name: string, seen: Observation | undefined): Finding[] {
  const service = seen && find(seen.services, name);
  const titles = service === undefined ? [] : strangersOf(service).map(({ title }) => title);
  if (titles.length === 0) return [];
  const more = titles.length > NAMED ? ` and ${titles.length - NAMED} more` : "";
  const message = `still there beside what was put back of ${name}: ${titles.slice(0, NAMED).join(", ")}${more}`;
  const remedy = "Deploy a release that works, or take them away by hand.";
  return [{ level: "warn", check: STILL_THERE, service: name, message, remedy }];
}

/** A sentence that names them. */
export function messageFor(deployment: number | undefined, services: readonly string[]): string {
  const kept = deployment === undefined ? "what runs" : `deployment ${deployment} failed, was kept and`;
  return `there is nothing to go back to for ${services.join(", ")}: no release has been proven here yet, and ${kept} is not right`;
}

/** Those that should run before the change, and of which no instance is well. */
function illServices({ services }: Plan, { at, services: seen }: Observation): readonly string[] {
  const ran = services.filter(({ goal, from }) => goal === "run" && from !== undefined);
  return ran.map(({ service }) => service).filter((name) => isIll(find(seen, name), at));
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
