import { readListing } from "../ledger/record-names.ts";
import type { BeginRecord, StopRecord } from "../ledger/records.ts";
import type { Flaw } from "./flaw.ts";
import { KEEP, LIFE_MS, ModelRunner, SERVICES } from "./model-runner.ts";
import { seededRandom } from "./seeded-random.ts";
import { SimTime } from "./sim-time.ts";
import { WatchedRecords } from "./watched-records.ts";

interface Service {
  value: number;
  version: number;
  /** Highest deployment that changed it. */
  touchedBy: number;
}

/**
 * A world of runners, a store and an engine for one seed: the ledger's own code, with everything around it random.
 * `fencing`: the engine refuses a change with an old version (Swarm, Kubernetes), so that a runner may be paused at any
 * point. Without it (plain Docker) a runner is never paused between its last question and the request: docs/ledger.md,
 * "Fencing".
 */
export class LedgerModel {
  readonly seed: number;
  readonly time = new SimTime();
  readonly random: () => number;
  readonly fencing: boolean;
  readonly records = new WatchedRecords();
  readonly services: Service[] = Array.from({ length: SERVICES }, () => ({ value: 0, version: 0, touchedBy: 0 }));
  /** Nonces of the begins under which somebody acted, by number. */
  readonly granted = new Map<number, string>();
  readonly wrong: string[] = [];
  /** Since when who was asked to stop could know it, by the nonce of its begin. */
  readonly #asked = new Map<string, number>();
  calm = false;

  /** What is broken on purpose in this world. */
  readonly flaw: Flaw | undefined;

  constructor(seed: number, flaw?: Flaw) {
    this.seed = seed;
    this.flaw = flaw;
    this.random = seededRandom(seed);
    this.fencing = this.random() < 0.5;
    this.records.onStop = (stop, begin) => this.#checkAsker(stop, begin);
  }

  /** Lets it all happen, then a runner without any fault comes last; returns what went wrong. */
  async run(): Promise<readonly string[]> {
    const count = 2 + Math.floor(this.random() * 3);
    const runners = Array.from({ length: count }, (_, index) => new ModelRunner(this, `r${index}`));
    try {
      await this.time.run(Promise.all(runners.map((runner) => runner.live())), LIFE_MS * 400);
      this.calm = true;
      await this.time.run(this.time.sleep(LIFE_MS), LIFE_MS * 2);
      const last = new ModelRunner(this, "last");
      await this.time.run(last.work(), LIFE_MS * 40);
      await this.time.run(this.#check(last), LIFE_MS * 10);
    } catch (error) {
      this.wrong.push(String(error instanceof Error ? error.stack : error));
    }
    return this.wrong;
  }

  /** What deployment `by` is about to say of the target must be true, unless a later one has changed it since. */
  checkWhole(by: number): void {
    const overtaken = this.services.some((service) => service.touchedBy > by);
    const values = new Set(this.services.map((service) => service.value));
    if (!overtaken && values.size !== 1) this.wrong.push(`deployment ${by} proves ${JSON.stringify(this.services)}`);
  }

  /**
   * Who holds with this begin and is about to go on forward: a proof of life that is younger than half a life shows a request
   * that is older.
   */
  checkHeard({ deployment, nonce }: BeginRecord): void {
    const since = this.#asked.get(nonce);
    if (since === undefined || this.time.now - since <= LIFE_MS / 2) return;
    this.wrong.push(`deployment ${deployment} goes on ${this.time.now - since} ms after it was asked to stop`);
  }

  /** Releases of the model are named by their age. Nobody but a newer one may ask, and only one that deploys. */
  #checkAsker({ release, by }: StopRecord, begin: BeginRecord): void {
    this.#asked.set(begin.nonce, this.time.now);
    const asked = Number(begin.release?.source.revision);
    if (begin.intent === "deploy" && Number(release.source.revision) > asked) return;
    this.wrong.push(`${by.run} of release ${release.source.revision} asked a ${begin.intent} of ${asked} to stop`);
  }

  async #check(last: ModelRunner): Promise<void> {
    const values = new Set(this.services.map((service) => service.value));
    if (values.size !== 1) this.wrong.push(`no whole release: ${JSON.stringify(this.services)}`);
    for (const [deployment, nonce] of this.granted) {
      const count = this.records.ends.get(nonce)?.size ?? 0;
      if (count !== 1) this.wrong.push(`deployment ${deployment} has ${count} ends`);
    }
    await this.#checkLedger(last, values);
  }

  async #checkLedger(last: ModelRunner, values: ReadonlySet<number>): Promise<void> {
    const listing = readListing([...this.records.keys()]);
    if ((await last.ledger.findOpen(listing)).length > 0) this.wrong.push("something is still open");
    for (let back = 0; back < Math.min(KEEP.any, listing.highest); back++) {
      const records = listing.numbers.get(listing.highest - back);
      if (!records?.begin || !records.end) this.wrong.push(`history has a hole at ${listing.highest - back}`);
    }
    const end = await last.ledger.readEnd(listing.highest);
    const said = end?.runs?.deployment ?? 0;
    if (!values.has(said)) this.wrong.push(`the ledger says ${said}, what runs is ${[...values]}`);
  }

  /** A change of one service, on its way for a while; it arrives even when its sender has died. */
  async mutate(index: number, value: number, by: number, version: number | undefined): Promise<boolean> {
    await this.time.sleep(this.random() * (LIFE_MS / 3) * (this.calm ? 0.1 : 0.9));
    const service = this.services[index];
    if (service === undefined || (version !== undefined && version !== service.version)) return false;
    if (service.touchedBy > by) this.wrong.push(`deployment ${by} changed service ${index} after ${service.touchedBy}`);
    const elsewhere = this.services.some((other) => other.touchedBy > by);
    if (!this.fencing && elsewhere) this.wrong.push(`deployment ${by} acted after a later one had begun to act`);
    service.value = value;
    service.version += 1;
    service.touchedBy = by;
    return true;
  }
}
