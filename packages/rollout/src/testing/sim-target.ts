import {
  changePermit,
  type DeploymentContext,
  type Execution,
  type InstanceEvidence,
  type Leftover,
  type Observation,
  type Plan,
  type RecordStore,
  type Release,
  type RunningService,
  type Scope,
  type ServiceChange,
  type Target,
  type Wanted,
} from "@belay/core";
import { abortable } from "../abortable.ts";
import { MemoryStore } from "../ledger/memory-store.ts";
import { digestOfRevision, type SimEngine } from "./sim-engine.ts";

/** How long a request to the simulated engine takes, in virtual milliseconds. */
const LATENCY_MS = 5;
const DESIRED = 2;

/** A {@link Target} over {@link SimEngine}. `gate` is passed at the begin and end of each request: a dead runner stays in it. */
export class SimTarget implements Target {
  readonly kind = "compose";
  refusesStale = false;
  readonly scope: Scope = { target: "compose", project: "shop", application: "shop", environment: "staging" };
  readonly store: RecordStore;
  findings: Plan["findings"] = [];
  others: readonly string[] = [];
  /** Deployment number on the labels of what runs. */
  labelled = 0;
  /** Overrides for single operations. */
  restorationFails = false;
  /** What the way forward could not clear away. */
  leftBehind: readonly Leftover[] = [];
  readonly #engine: SimEngine;
  readonly #gate: () => Promise<void>;

  constructor(engine: SimEngine, gate: () => Promise<void> = async () => undefined) {
    this.#engine = engine;
    this.#gate = gate;
    const wire = (): Promise<undefined> => this.#wire();
    this.store = new MemoryStore(engine.records, { onCall: wire, onAnswer: gate });
  }

  async plan(release: Release): Promise<Plan> {
    await this.#wire();
    const names = Object.keys(release.services);
    const gone = Object.keys(this.#engine.revisions()).filter((service) => !names.includes(service));
    return this.#plan([
      ...names.map((service) => this.#change(service, revisionOf(release, service))),
      ...gone.map((service) => this.#change(service, null)),
    ]);
  }

  async planRestoration(snapshots: readonly Uint8Array[]): Promise<Plan> {
    await this.#wire();
    const running = Object.entries(this.#engine.revisions());
    const taken = snapshots.map((bytes) => Object.entries(readSnapshot(bytes)));
    // The first one that has a service counts, and what runs comes last.
    const then = new Map([...taken, running].toReversed().flat());
    return this.#plan([...then].map(([service, revision]) => this.#change(service, revision)));
  }

  async snapshot(plan: Plan): Promise<Uint8Array> {
    await this.#wire();
    const old = plan.services.map((one) => [one.service, one.from?.revision ?? null]);
    return Buffer.from(JSON.stringify(Object.fromEntries(old)), "utf8");
  }

  execution(plan: Plan, _context: DeploymentContext): Execution {
    const way = this.#way(plan.services.map((one) => [one.service, one.to?.revision ?? null]));
    return { ...way, leftBehind: () => this.leftBehind };
  }

  async restoration(snapshot: Uint8Array, _context: DeploymentContext): Promise<Execution> {
    await this.#wire();
    if (this.restorationFails) throw new Error("the snapshot can't be read");
    return this.#way(Object.entries(readSnapshot(snapshot)));
  }

  async observe(wanted: readonly Wanted[], signal: AbortSignal): Promise<Observation> {
    await abortable(this.#wire(), signal);
    const services = wanted.map((one) => ({
      name: one.service,
      kind: "simulated",
      goal: one.goal,
      desired: one.desired,
      wantedRevision: one.revision,
      conditions: [],
      instances: this.#engine.of(one.service).map((instance) => this.#engine.show(instance)),
    }));
    await this.#gate();
    return { at: this.#engine.time.now, services, probes: [] };
  }

  async *changes(signal: AbortSignal): AsyncIterable<void> {
    for (;;) {
      await this.#engine.time.sleep(500, signal);
      await this.#gate();
      yield;
    }
  }

  async dossier(_: readonly Wanted[], observation: Observation): Promise<readonly InstanceEvidence[]> {
    await this.#wire();
    const unready = observation.services.flatMap((one) => one.instances.filter((instance) => !instance.ready));
    return unready.map((one) => ({
      service: one.title.replace(/-\d+$/, ""),
      instance: one.title,
      logLines: ["starting", "Error: DATABASE_URL is missing"],
      events: [],
      unknown: [],
    }));
  }

  /** Asks the engine, as a run that dies or is taken over here would; what has crashed is as it was. */
  async hold({ services }: Observation, signal: AbortSignal): Promise<void> {
    const crashed = services.flatMap(({ instances }) => instances.filter(({ containers: [one] }) => one?.lastExit));
    for (const _ of crashed) {
      await abortable(this.#wire(), signal);
      changePermit()();
    }
  }

  async running(): Promise<readonly RunningService[]> {
    await this.#wire();
    return Object.entries(this.#engine.revisions()).map(([service, revision]) => ({
      service,
      name: service,
      revision,
      image: `registry/${service}@${digestOfRevision(revision)}`,
      digests: [digestOfRevision(revision)],
      ready: this.#engine.of(service).filter((one) => this.#engine.show(one).ready).length,
      desired: DESIRED,
    }));
  }

  async advice() {
    return [{ title: "Look", command: "look --here" }];
  }

  async close(): Promise<void> {}

  #plan(services: readonly ServiceChange[]): Plan {
    return {
      scope: this.scope,
      services,
      others: this.others,
      findings: this.findings,
      notCovered: [],
      labelledDeployment: this.labelled,
      detail: undefined,
    };
  }

  #change(service: string, revision: string | null): ServiceChange {
    const old = this.#engine.of(service)[0]?.revision;
    const facts = (name: string) => ({
      revision: name,
      image: name,
      digests: [digestOfRevision(name)],
      instances: DESIRED,
    });
    return {
      service,
      name: service,
      action: revision === null ? "remove" : old === undefined ? "create" : old === revision ? "unchanged" : "update",
      goal: "run",
      desired: revision === null ? 0 : DESIRED,
      dependsOn: [],
      ...(old === undefined ? {} : { from: facts(old) }),
      ...(revision === null ? {} : { to: facts(revision) }),
      differences: [],
    };
  }

  /** New beside old, then the others go: also the way back, from wherever it starts. */
  #way(revisions: readonly (readonly [string, string | null])[]): Execution {
    const wanted = revisions.map(([service, revision]) => ({
      service,
      goal: "run" as const,
      desired: revision === null ? 0 : DESIRED,
      revision: revision ?? "",
      digests: revision === null ? [] : [digestOfRevision(revision)],
    }));
    const start = async (): Promise<void> => {
      for (const one of wanted) await this.#startMissing(one);
    };
    const retire = async (): Promise<void> => {
      for (const one of wanted) await this.#removeOthers(one);
    };
    return {
      wanted,
      stages: [
        { name: "start", act: start, expect: "ready", stable: false },
        { name: "retire", act: retire, expect: "alone", stable: true },
      ],
    };
  }

  async #startMissing(one: Wanted): Promise<void> {
    for (let slot = 1; slot <= one.desired; slot++) {
      await this.#wire();
      const there = this.#engine.of(one.service).some((i) => i.revision === one.revision && i.slot === `${slot}`);
      if (there) continue;
      changePermit()();
      this.#engine.start(one.service, `${slot}`, one.revision);
    }
  }

  async #removeOthers(one: Wanted): Promise<void> {
    for (const other of this.#engine.of(one.service).filter((instance) => instance.revision !== one.revision)) {
      await this.#wire();
      changePermit()();
      this.#engine.remove(other.id);
    }
  }

  /** A request on its way: the engine may be away, the runner may die. */
  async #wire(): Promise<undefined> {
    await this.#gate();
    await this.#engine.time.sleep(LATENCY_MS);
    await this.#gate();
    this.#engine.mustAnswer();
    return undefined;
  }
}

function readSnapshot(bytes: Uint8Array): Record<string, string | null> {
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

/** Revisions of the simulated engine are the release's own names: `web-v1`. */
export function revisionOf(release: Release, service: string): string {
  return `${service}-${release.source.revision}`;
}
