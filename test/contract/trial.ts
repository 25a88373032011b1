import { type Finding, knownDigests, Redactor, type RolloutPolicy, systemClock, type Target } from "@belay/core";
import { observeRunning, type ServiceStatus, serviceStatuses } from "@belay/pipeline";
import {
  current,
  type DeploymentResult,
  type DeployPorts,
  deploy,
  type HistoryEntry,
  history,
  nothingProvenFinding,
  type RecoveryResult,
  type RolloutPorts,
  recover,
  rollback,
} from "@belay/rollout";
import { createTestLog, type TestLog, waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import { askObserver, type Seen, type SeenInstance } from "./observer.ts";
import { POLICY } from "./policy.ts";
import type { ApplicationStand, Variants } from "./stand.ts";
import { openBy } from "./target-opener.ts";
import type { VariantName } from "./variants.ts";

/** What must run at the end: per service the variant, and how many healthy instances of it. Nothing else may be there. */
export type Running = Readonly<Record<string, readonly [VariantName, number]>>;

export interface DeployOptions {
  readonly policy?: Partial<RolloutPolicy>;
  readonly ports?: Partial<DeployPorts>;
  /** Commit of the release. */
  readonly revision?: string;
}

let runs = 0;

/** So many last lines of each instance are shown when a test fails. */
const LAST_LINES = 5;

/** One application under test, and what the tests ask of it. Every question opens the target anew, as each run does. */
export class Trial {
  readonly app: ApplicationStand;
  readonly redactor = new Redactor();
  readonly log: TestLog = createTestLog(this.redactor);
  /** How long the last deployment took, in milliseconds. */
  lastMs = 0;

  constructor(app: ApplicationStand) {
    this.app = app;
  }

  /** Belay's own deployment, with everything real. */
  async deploy(variants: Variants, options: DeployOptions = {}): Promise<DeploymentResult> {
    const release = await this.app.release(variants, options.revision);
    return this.#with(async (target) => {
      const began = performance.now();
      const request = { release, policy: { ...POLICY, ...options.policy } };
      const result = await deploy(request, { ...this.#ports(target), ...options.ports });
      this.lastMs = performance.now() - began;
      return result;
    });
  }

  /** What `belay plan` says of the way back beforehand, when nothing proven is there to go back to. */
  async foretold(variants: Variants): Promise<Finding | undefined> {
    const release = await this.app.release(variants);
    return this.#with(async (target) => {
      const [before, plan] = await Promise.all([current(target.store), target.plan(release, POLICY)]);
      return nothingProvenFinding({ target, log: this.log }, { before, plan, release, policy: POLICY });
    });
  }

  /** As `belay rollback` does it. */
  rollback(to: string): Promise<DeploymentResult> {
    return this.#with(async (target) => {
      const began = performance.now();
      const result = await rollback({ to, policy: POLICY, reason: "it was better" }, this.#ports(target));
      this.lastMs = performance.now() - began;
      return result;
    });
  }

  /** As `belay reconcile` does it. */
  recover(more: Partial<RolloutPorts> = {}): Promise<RecoveryResult> {
    return this.#with((target) => recover({ onAlive: "wait" }, { ...this.#ports(target), ...more }));
  }

  /** What `belay status` tells of the services that run. */
  status(): Promise<readonly ServiceStatus[]> {
    return this.#with(async (target) => {
      const running = await target.running();
      const observed = await observeRunning(target, running, new AbortController().signal);
      return serviceStatuses(running, observed, await history(target.store), await current(target.store));
    });
  }

  history(): Promise<readonly HistoryEntry[]> {
    return this.#with((target) => history(target.store));
  }

  /** Deployment numbers with their ends, newest first. */
  async ledger(): Promise<readonly (readonly [number, string])[]> {
    const entries = await this.history();
    return entries.map(({ deployment, end }) => [deployment, end?.outcome ?? "open"] as const);
  }

  seen(): Promise<Seen> {
    return askObserver(this.app.observer);
  }

  /** The observer, Belay and (where it can be asked) the application itself agree that this runs, healthy, and no more. */
  async expectRunning(wanted: Running): Promise<Seen> {
    const seen = await this.seen();
    const running = await this.#with((target) => target.running());
    for (const [service, [variant, count]] of Object.entries(wanted)) {
      const digests = knownDigests(await this.app.identity(variant));
      const instances = seen.services[service] ?? [];
      const foreign = instances.filter((one) => !one.digests.some((digest) => digests.includes(digest as never)));
      expect(foreign, `${service}: nothing but ${variant}`).toEqual([]);
      expect(instances.filter(isIll), `${service}: all are healthy`).toEqual([]);
      expect(instances, `${service}: as many as there should be`).toHaveLength(count);
      const said = running.find((one) => one.service === service);
      if (count > 0 && !variant.startsWith("job")) {
        expect(said, `${service} as Belay sees it`).toMatchObject({ ready: count });
        expect(said?.digests.some((digest) => digests.includes(digest))).toBe(true);
        await this.#expectAnswer(service, variant);
      }
    }
    const extra = Object.entries(seen.services).filter(([name, all]) => wanted[name] === undefined && all.length > 0);
    expect(extra, "no service beside these").toEqual([]);
    return seen;
  }

  async #expectAnswer(service: string, variant: VariantName): Promise<void> {
    const url = await this.app.url?.(service);
    if (url === undefined) return;
    const answer = (): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(10_000) });
    // Without a health check nobody has waited until it listens.
    const listens = (): Promise<boolean> =>
      answer().then(
        (one) => one.ok,
        () => false,
      );
    if (variant.startsWith("unchecked")) await waitUntil(`${service} listens`, listens, { withinMs: 10_000 });
    expect((await (await answer()).text()).trim(), `${service} answers`).toBe(variant);
  }

  /** Why it ended so, for the message of an assertion: cause, engine's words and last lines, and then what was logged. */
  why(end: DeploymentResult | RecoveryResult): string {
    const { outcome, cause } = end;
    const { likelyCause, evidence = [], running } = "report" in end ? end.report : { running: end.running };
    const last = evidence.map(({ logLines, ...one }) => ({ ...one, logLines: logLines.slice(-LAST_LINES) }));
    return `${JSON.stringify({ outcome, cause, likelyCause, evidence: last, running }, null, 1)}\n${this.log.text()}`;
  }

  #ports(target: Target): RolloutPorts {
    const holder = { run: `run-${process.pid}-${++runs}`, attempt: 1, host: "test" };
    const signal = new AbortController().signal;
    return { target, clock: systemClock, log: this.log, holder, signal, redactor: this.redactor, random: Math.random };
  }

  async #with<T>(work: (target: Target) => Promise<T>): Promise<T> {
    const { target, close } = await openBy(this.app.opener(), { log: this.log, redactor: this.redactor });
    try {
      return await work(target);
    } finally {
      await close();
    }
  }
}

function isIll(one: SeenInstance): boolean {
  return !one.running || !one.healthy;
}
