import { type Clock, createRelease, DEFAULT_ROLLOUT, Redactor, type Release, type RolloutPolicy } from "@belay/core";
import { deploy } from "../deployment/deploy.ts";
import { rollback } from "../deployment/rollback.ts";
import type { DeploymentResult, DeployPorts, RecoveryResult, RollbackPorts, RolloutEvent } from "../ports.ts";
import type { Step } from "../steps.ts";
import { recover } from "../way-back/recover.ts";
import { seededRandom } from "./seeded-random.ts";
import { silentLog } from "./silent-log.ts";
import { digestOfRevision, SimEngine } from "./sim-engine.ts";
import { SimTarget } from "./sim-target.ts";
import { SimTime } from "./sim-time.ts";

export const POLICY: RolloutPolicy = { ...DEFAULT_ROLLOUT, stableMs: 2_000, startMs: 20_000, deadlineMs: 60_000 };
const LIMIT_MS = 3_600_000;

/** A release whose services run revision `<service>-<version>`. */
export function releaseOf(version: string, services: readonly string[] = ["web", "api"]): Release {
  const image = (name: string) => ({
    repository: `registry/${name}`,
    digest: digestOfRevision(`${name}-${version}`),
    platforms: {},
    tags: [],
  });
  return createRelease({
    stage: "push",
    application: "shop",
    source: { repository: "https://example.test/shop", revision: version },
    services: Object.fromEntries(services.map((name) => [name, image(name)])),
    evidence: {},
    createdAt: "2026-01-01T00:00:00.000Z",
  });
}

/** A time, an engine, and any number of runners that can be killed. */
export class SimWorld {
  readonly time = new SimTime();
  readonly engine = new SimEngine(this.time);

  runner(name: string, overrides: Partial<DeployPorts> = {}): SimRunner {
    return new SimRunner(this, name, overrides);
  }

  async deployed(version: string): Promise<DeploymentResult> {
    return this.runner(`run-${version}`).deploy(version);
  }
}

export class SimRunner {
  readonly target: SimTarget;
  readonly cancel = new AbortController();
  readonly events: RolloutEvent[] = [];
  readonly steps: Step[] = [];
  readonly log: string[] = [];
  readonly ports: DeployPorts;
  readonly #world: SimWorld;
  #dead = false;
  #frozenUntil = 0;
  #died: () => void = () => undefined;

  constructor(world: SimWorld, name: string, overrides: Partial<DeployPorts>) {
    this.#world = world;
    this.target = new SimTarget(world.engine, () => this.#gate());
    this.ports = {
      target: this.target,
      clock: this.#clock(),
      log: silentLog(this.log),
      redactor: new Redactor(),
      holder: { run: name, attempt: 1, host: name },
      signal: this.cancel.signal,
      random: seededRandom(name.length * 7_919 + 1),
      onEvent: (event) => this.events.push(event),
      ...overrides,
      onStep: async (step, stage) => {
        this.steps.push(step);
        await overrides.onStep?.(step, stage);
        await this.#gate();
      },
    };
  }

  deploy(
    version: string,
    policy: Partial<RolloutPolicy> = {},
    services?: readonly string[],
  ): Promise<DeploymentResult> {
    const request = { release: releaseOf(version, services), policy: { ...POLICY, ...policy } };
    return this.#world.time.run(deploy(request, this.ports), LIMIT_MS);
  }

  /** As {@link deploy}, for several at once and for those that die: `undefined` then. */
  start(version: string, policy: Partial<RolloutPolicy> = {}): Promise<DeploymentResult | undefined> {
    const request = { release: releaseOf(version), policy: { ...POLICY, ...policy } };
    return new Promise((resolve, reject) => {
      this.#died = () => resolve(undefined);
      deploy(request, this.ports).then(resolve, reject);
    });
  }

  rollback(
    to: string,
    more: { readonly policy?: Partial<RolloutPolicy>; readonly reason?: string; readonly by?: string } = {},
    ports: Pick<RollbackPorts, "objections"> = {},
  ): Promise<DeploymentResult> {
    const request = { to, ...more, policy: { ...POLICY, ...more.policy } };
    return this.#world.time.run(rollback(request, { ...this.ports, ...ports }), LIMIT_MS);
  }

  /** As {@link start}, back. */
  startRollback(to: string, policy: Partial<RolloutPolicy> = {}): Promise<DeploymentResult | undefined> {
    return new Promise((resolve, reject) => {
      this.#died = () => resolve(undefined);
      rollback({ to, policy: { ...POLICY, ...policy } }, this.ports).then(resolve, reject);
    });
  }

  recover(): Promise<RecoveryResult> {
    return this.#world.time.run(recover({ onAlive: "wait" }, this.ports), LIMIT_MS);
  }

  /** The process ends here: nothing of it goes on. */
  kill(): void {
    this.#dead = true;
    this.#died();
  }

  /** SIGSTOP for so long, then SIGCONT. */
  freeze(milliseconds: number): void {
    this.#frozenUntil = this.#world.time.now + milliseconds;
  }

  async #gate(): Promise<void> {
    const { time } = this.#world;
    while (!this.#dead && time.now < this.#frozenUntil) await time.sleep(this.#frozenUntil - time.now);
    if (this.#dead) await new Promise(() => undefined);
  }

  #clock(): Clock {
    const clock = this.#world.time.clock(this.#world.time.now % 977);
    return {
      ...clock,
      sleep: async (milliseconds, signal) => {
        await clock.sleep(milliseconds, signal);
        await this.#gate();
      },
    };
  }
}
