import type { ContainerState, Instance, ObservedService } from "@belay/core";
import { type Baseline, isReady } from "./baseline.ts";
import { exitedSinceBegin, factsOf, type InstanceFacts, isTelling, rememberInstance } from "./facts.ts";
import { isSameInstance } from "./same-instance.ts";

/** What of an instance the judge knows. */
export interface KnownInstance {
  readonly id: string;
  /** As it looked when it changed last, in what {@link isKnown} asks for. */
  readonly instance: Instance;
  readonly current: boolean;
  readonly ready: boolean;
  /** Only of one that can tell of this deployment: of the wanted revision, and not on its way out. */
  readonly facts: InstanceFacts | undefined;
  /** Those of its containers whose present state or last exit came after begin. */
  readonly fresh: readonly ContainerState[];
}

/** The instances of a service, in the engine's order. */
export interface KnownInstances {
  readonly list: readonly KnownInstance[];
  /** The revision that was wanted then: of which instances something is told. */
  readonly wanted: string;
  /** With the look at which they became this, a current instance of the wanted revision came or was restarted. */
  readonly turned: boolean;
}

export const NOBODY: KnownInstances = { list: [], wanted: "", turned: false };

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
  const { instances, wantedRevision: wanted } = service;
  let list: KnownInstance[] | undefined;
  let strays: ReadonlyMap<string, KnownInstance> | undefined;
  let turned = false;
  for (let place = 0; place < instances.length; place++) {
    const instance = instances[place] as Instance;
    let known = before.list[place];
    // An object that the target has kept shows nothing new.
    const kept = known?.instance === instance && before.wanted === wanted;
    if (!kept && known?.id !== instance.id) {
      strays ??= straysOf(before.list, instances);
      known = strays.get(instance.id);
    }
    const one = kept && known ? known : know(service, instance, known, baseline, now);
    turned ||= one !== known && hasTurned(known?.facts, one.facts);
    if (list === undefined && one !== before.list[place]) list = before.list.slice(0, place);
    list?.push(one);
  }
  if (list === undefined && instances.length === before.list.length && wanted === before.wanted) return before;
  return { list: list ?? before.list.slice(0, instances.length), wanted, turned };
}

/** Those that are not where they were, by id: few, as engines keep their order. */
function straysOf(known: readonly KnownInstance[], instances: readonly Instance[]): ReadonlyMap<string, KnownInstance> {
  const strays = new Map<string, KnownInstance>();
  for (const [place, one] of known.entries()) {
    if (instances[place]?.id !== one.id) strays.set(one.id, one);
  }
  return strays;
}

function know(
  service: ObservedService,
  instance: Instance,
  known: KnownInstance | undefined,
  baseline: Baseline,
  now: number,
): KnownInstance {
  const telling = isTelling(service, instance);
  const facts = telling ? factsOfInstance(instance, known?.facts, baseline, now) : undefined;
  const fresh = facts === undefined ? NONE : freshContainers(instance, facts);
  const current = instance.phase === "current";
  const one = { id: instance.id, instance, current, ready: isReady(instance), facts, fresh };
  return known !== undefined && isKnown(known, one) ? known : one;
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

/** Whether nothing that the judge asks for is new. Of one at rest it asks for no more than its readiness. */
function isKnown(known: KnownInstance, one: KnownInstance): boolean {
  if (known.current !== one.current || known.ready !== one.ready || known.facts !== one.facts) return false;
  if (one.facts === undefined) return !one.current || known.instance.revision === one.instance.revision;
  return (isAtRest(known) && isAtRest(one)) || isSameInstance(known.instance, one.instance);
}

/** Ready, and no container of it has ended since begin. */
export function isAtRest({ facts, fresh }: KnownInstance): boolean {
  return facts?.unreadySince === undefined && facts?.endedSince === undefined && fresh.length === 0;
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
