/** A fleet in the middle of a release, as an engine has it: who reads it sees services and their instances. */
export interface FleetSize {
  readonly services: number;
  readonly instancesPerService: number;
}

export interface SimulatedInstance {
  /** Unique for ever, and 25 characters of an id with it. */
  readonly id: string;
  readonly service: number;
  readonly slot: number;
  /** 1: the release before. 2: the new one. */
  readonly release: 1 | 2;
  readonly state: "running" | "ended";
  /** Counted up with each change in the fleet, as engines do with their objects. */
  readonly version: number;
}

/**
 * Moves on in steps: a release that goes over all services slot by slot, and a few services that are scaled up and down
 * meanwhile. Tells what each step changed.
 */
export class SimulatedFleet {
  readonly size: FleetSize;
  readonly #instances = new Map<string, SimulatedInstance>();
  readonly #slots: string[][];
  #version = 1_000;
  #rolled = 0;
  #wide = false;

  constructor(size: FleetSize) {
    this.size = size;
    this.#slots = Array.from({ length: size.services }, () => []);
    for (let service = 0; service < size.services; service++) {
      for (let slot = 1; slot <= size.instancesPerService; slot++) this.#start(service, slot, 1);
    }
  }

  get version(): number {
    return this.#version;
  }

  /** Of all services or some, those that ended included. */
  *instances(services?: ReadonlySet<number>): Generator<SimulatedInstance> {
    for (const one of this.#instances.values()) if (services?.has(one.service) ?? true) yield one;
  }

  /** How many instances of a service should run. */
  desired(service: number): number {
    return this.#wide && isElastic(service) ? this.size.instancesPerService + 1 : this.size.instancesPerService;
  }

  /** The next slot of every service gets the new release. Every service changes. */
  roll(): readonly SimulatedInstance[] {
    const slot = ++this.#rolled;
    if (slot > this.size.instancesPerService) return [];
    return this.#slots.flatMap((_slots, service) => [...this.#end(service, slot), this.#start(service, slot, 2)]);
  }

  /** One of a hundred services is scaled up by one, or down again. */
  breathe(): readonly SimulatedInstance[] {
    this.#wide = !this.#wide;
    const extra = this.size.instancesPerService + 1;
    const elastic = this.#slots.map((_slots, service) => service).filter(isElastic);
    return elastic.flatMap((service) =>
      this.#wide ? [this.#start(service, extra, this.#rolled > 0 ? 2 : 1)] : this.#end(service, extra),
    );
  }

  #start(service: number, slot: number, release: 1 | 2): SimulatedInstance {
    const version = ++this.#version;
    const id = `${service.toString(36)}x${slot.toString(36)}x${version.toString(36)}`.padEnd(25, "0");
    const one = { id, service, slot, release, state: "running", version } as const;
    this.#instances.set(id, one);
    (this.#slots[service] as string[])[slot] = id;
    return one;
  }

  #end(service: number, slot: number): readonly SimulatedInstance[] {
    const one = this.#instances.get(this.#slots[service]?.[slot] ?? "");
    if (one === undefined) return [];
    const ended = { ...one, state: "ended", version: ++this.#version } as const;
    this.#instances.set(one.id, ended);
    return [ended];
  }
}

function isElastic(service: number): boolean {
  return service % 100 === 50;
}
