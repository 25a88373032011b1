import { BelayError, type ContainerState, type Digest, type Instance, sha256 } from "@belay/core";

/** How instances of a revision behave once they were started. */
export type Behaviour =
  | { readonly kind: "good"; readonly startMs: number }
  | { readonly kind: "crash" | "oom" | "exit" | "unhealthy"; readonly afterMs: number }
  | { readonly kind: "never ready" | "no image" }
  /** Good at first, then not ready any more. */
  | { readonly kind: "lapse"; readonly startMs: number; readonly afterMs: number };

/** The time that the engine goes by: virtual in tests, real in the benchmark. */
export interface EngineTime {
  readonly now: number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface SimInstance {
  readonly id: string;
  readonly service: string;
  readonly slot: string;
  readonly revision: string;
  readonly bornAt: number;
}

/** An engine in memory, shared by all runners of a test. What its instances are like follows from virtual time alone. */
export class SimEngine {
  readonly time: EngineTime;
  readonly records = new Map<string, Uint8Array>();
  readonly behaviours = new Map<string, Behaviour>();
  instances: SimInstance[] = [];
  /** Virtual times between which nothing answers. */
  outage: { from: number; to: number } | undefined;
  changes = 0;
  #born = 0;

  constructor(time: EngineTime) {
    this.time = time;
  }

  /** @throws BelayError ENGINE_UNREACHABLE during an outage. */
  mustAnswer(): void {
    const { now } = this.time;
    if (this.outage === undefined || now < this.outage.from || now >= this.outage.to) return;
    throw new BelayError("ENGINE_UNREACHABLE", { doing: "talking to the engine", got: "connection refused" });
  }

  start(service: string, slot: string, revision: string): void {
    this.#born += 1;
    this.changes += 1;
    const id = `i${this.#born}`;
    this.instances = [...this.instances, { id, service, slot, revision, bornAt: this.time.now }];
  }

  remove(id: string): void {
    this.changes += 1;
    this.instances = this.instances.filter((one) => one.id !== id);
  }

  of(service: string): SimInstance[] {
    return this.instances.filter((one) => one.service === service);
  }

  /** The revision of each service, when it runs exactly one. */
  revisions(): Record<string, string> {
    const services = [...new Set(this.instances.map((one) => one.service))].sort();
    return Object.fromEntries(
      services.map((name) => [name, [...new Set(this.of(name).map((one) => one.revision))].join("+")]),
    );
  }

  show(one: SimInstance): Instance {
    const behaviour = this.behaviours.get(one.revision) ?? { kind: "good", startMs: 0 };
    const container = containerOf(behaviour, this.time.now - one.bornAt, digestOfRevision(one.revision));
    return {
      id: one.id,
      title: `${one.service}-${one.slot}`,
      slot: one.slot,
      revision: one.revision,
      phase: "current",
      createdAt: one.bornAt,
      ready: container.state === "running" && container.health === "healthy",
      containers: [container],
    };
  }
}

export function digestOfRevision(revision: string): Digest {
  return sha256(revision);
}

function containerOf(behaviour: Behaviour, age: number, digest: Digest): ContainerState {
  const base: ContainerState = {
    name: "main",
    role: "main",
    digests: [digest],
    state: "running",
    restarts: 0,
    health: "starting",
  };
  switch (behaviour.kind) {
    case "good":
      return { ...base, health: age >= behaviour.startMs ? "healthy" : "starting" };
    case "lapse":
      // Readiness that goes while the container runs on: as of a pod, whose engine tells of no health.
      if (age >= behaviour.afterMs) return { ...base, health: "none" };
      return { ...base, health: age >= behaviour.startMs ? "healthy" : "starting" };
    case "crash": {
      const restarts = Math.floor(age / behaviour.afterMs);
      return restarts === 0 ? base : { ...base, restarts, lastExit: { code: 1, oomKilled: false } };
    }
    case "oom":
      return age < behaviour.afterMs ? base : { ...base, state: "exited", lastExit: { code: 137, oomKilled: true } };
    case "exit":
      return age < behaviour.afterMs ? base : { ...base, state: "exited", lastExit: { code: 0, oomKilled: false } };
    case "unhealthy":
      return age < behaviour.afterMs ? base : { ...base, health: "unhealthy" };
    case "no image":
      return { ...base, state: "waiting", reason: "ImagePullBackOff", health: "none" };
    default:
      return base;
  }
}
