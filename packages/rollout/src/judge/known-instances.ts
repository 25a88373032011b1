import type { ContainerState, Instance, ObservedService } from "@belay/core";
import { type Baseline, isReady } from "./baseline.ts";
import { exitedSinceBegin, factsOf, type InstanceFacts, isTelling, rememberInstance } from "./facts.ts";
import { isSameInstance, isSameState } from "./same-instance.ts";

/** What of an instance the judge knows. */
export interface KnownInstance {
  readonly id: string;
  /** As it looked when it changed last, in what the judge asks for. */
  readonly instance: Instance;
  readonly current: boolean;
  /** Of those that are current. */
  readonly ready: boolean;
  /** Only of one that can tell of this deployment: of the wanted revision, and not on its way out. */
  readonly facts: InstanceFacts | undefined;
  /** Those of its containers whose present state or last exit came after begin. */
  readonly fresh: readonly ContainerState[];
  /** Ready, and no container of it has ended since begin: it has nothing to tell. So has one that can't tell anything. */
  readonly atRest: boolean;
}

/** One that can tell of this deployment. */
export type TellingInstance = KnownInstance & { readonly facts: InstanceFacts };

/** The instances of a service, sorted once for all that look at them. */
export interface KnownInstances {
  /** In the engine's order. */
  readonly list: readonly KnownInstance[];
  /** The one that was wanted then: of which instances something is told. */
  readonly wantedRevision: string;
  /** With the look at which they became this, a current instance of the wanted revision came or was restarted. */
  readonly turned: boolean;
  /** How many may serve, of any revision; how many of these are of the wanted one, and of those ready. */
  readonly current: number;
  readonly wanted: number;
  readonly ready: number;
  /** Of the wanted revision, with something to tell: not ready, or with a container that ended. */
  readonly telling: readonly TellingInstance[];
}

const NO_INSTANCES: readonly never[] = [];

export const NOBODY: KnownInstances = {
  list: NO_INSTANCES,
  wantedRevision: "",
  turned: false,
  current: 0,
  wanted: 0,
  ready: 0,
  telling: NO_INSTANCES,
};

/**
 * Takes one more look at the instances of a service. Pure. When none of them tells anything new, what was known is
 * returned itself, which keeps a look at ten thousand instances cheap.
 */
export function knownInstances(
  service: ObservedService,
  before: KnownInstances,
  baseline: Baseline,
  now: number,
): KnownInstances {
  const { instances, wantedRevision } = service;
  let list: KnownInstance[] | undefined;
  let index: ReadonlyMap<string, KnownInstance> | undefined;
  let turned = false;
  for (let place = 0; place < instances.length; place++) {
    const instance = instances[place] as Instance;
    let past = before.list[place];
    if (past?.instance !== instance && past?.id !== instance.id) {
      if (before.list.length > FEW) index ??= new Map(before.list.map((one) => [one.id, one]));
      past = index === undefined ? search(before.list, place, instance) : index.get(instance.id);
    }
    // An object that the target has kept shows nothing new, and is not even looked into.
    const kept = past?.instance === instance && before.wantedRevision === wantedRevision;
    const one = kept && past !== undefined ? past : know(service, instance, past, baseline, now);
    turned ||= one !== past && hasTurned(past?.facts, one.facts);
    if (one !== before.list[place]) list ??= before.list.slice(0, instances.length);
    if (list !== undefined) list[place] = one;
  }
  const same = list === undefined && instances.length === before.list.length;
  if (same && wantedRevision === before.wantedRevision) return before;
  return sorted(list ?? before.list.slice(0, instances.length), wantedRevision, turned);
}

function sorted(list: readonly KnownInstance[], wantedRevision: string, turned: boolean): KnownInstances {
  let current = 0;
  let wanted = 0;
  let ready = 0;
  let telling: TellingInstance[] | undefined;
  for (let place = 0; place < list.length; place++) {
    const one = list[place] as KnownInstance;
    if (one.current) current++;
    if (!canTell(one)) continue;
    if (one.current) wanted++;
    if (one.current && one.ready) ready++;
    if (one.atRest) continue;
    telling ??= [];
    telling.push(one);
  }
  return { list, wantedRevision, turned, current, wanted, ready, telling: telling ?? NO_INSTANCES };
}

/** So many are searched faster than an index of them is made. */
const FEW = 32;

/** Engines keep their order: one that is not at its place is next to it, since others went or came before it, or it is new. */
function search(list: readonly KnownInstance[], place: number, instance: Instance): KnownInstance | undefined {
  const farthest = Math.max(place, list.length);
  for (let step = 1; step <= farthest; step++) {
    const after = list[place + step];
    if (after?.id === instance.id) return after;
    const before = list[place - step];
    if (before?.id === instance.id) return before;
  }
  return undefined;
}

/** What is known of an instance that looks like this: what was known already, when it tells nothing new. */
function know(
  service: ObservedService,
  instance: Instance,
  past: KnownInstance | undefined,
  baseline: Baseline,
  now: number,
): KnownInstance {
  const telling = isTelling(service, instance);
  const known = past !== undefined && (past.facts !== undefined) === telling ? past : undefined;
  if (!telling) return knowOther(instance, known);
  // What looks as it did comes to the same.
  const isSame = known?.atRest ? isSameState : isSameInstance;
  if (known !== undefined && isSame(known.instance, instance)) return known;
  const facts = factsOfInstance(instance, past?.facts, baseline, now);
  const fresh = freshContainers(instance, facts);
  const one = {
    id: instance.id,
    instance,
    current: facts.current,
    ready: facts.unreadySince === undefined,
    facts,
    fresh,
    atRest: facts.unreadySince === undefined && facts.endedSince === undefined && fresh.length === 0,
  };
  // Of one at rest no more is asked.
  return known?.facts === facts && known.atRest && one.atRest ? known : one;
}

/** Of one that can't tell of this deployment it is asked no more than whether it may serve, and of which revision it is. */
function knowOther(instance: Instance, known: KnownInstance | undefined): KnownInstance {
  const current = instance.phase === "current";
  const ready = current && isReady(instance);
  const same = known?.current === current && known.ready === ready;
  if (same && (!current || known.instance.revision === instance.revision)) return known;
  return { id: instance.id, instance, current, ready, facts: undefined, fresh: NONE, atRest: true };
}

function factsOfInstance(
  instance: Instance,
  past: InstanceFacts | undefined,
  baseline: Baseline,
  now: number,
): InstanceFacts {
  return rememberInstance(
    instance,
    past,
    past === undefined ? baseline.instances.get(instance.id) : past.baseline,
    now,
  );
}

export function canTell(one: KnownInstance): one is TellingInstance {
  return one.facts !== undefined;
}

/** Whether another instance is current, or this one was restarted. Their number is compared elsewhere. */
function hasTurned(before: InstanceFacts | undefined, after: InstanceFacts | undefined): boolean {
  return after?.current === true && (before?.current !== true || before.restarts !== after.restarts);
}

const NONE: readonly ContainerState[] = [];

function freshContainers({ containers }: Instance, facts: InstanceFacts): readonly ContainerState[] {
  const fresh = containers.filter((one) => exitedSinceBegin(one, factsOf(facts.containers, one)));
  return fresh.length === 0 ? NONE : fresh;
}
