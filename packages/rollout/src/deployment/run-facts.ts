import {
  type CauseDetail,
  type DeploymentReport,
  explainCause,
  type Finding,
  type InstanceEvidence,
  LEFT_BEHIND,
  type Leftover,
  type Outcome,
  type Plan,
  pinnedReference,
  type Release,
  type RunningService,
  releaseDigest,
  type StageReport,
} from "@belay/core";
import { likelyCause } from "../evidence/likely-cause.ts";
import type { ReleaseFacts, RunsFacts, StopRecord } from "../ledger/records.ts";
import type { Aim, DeploymentResult, RecoveryResult, RolloutPorts } from "../ports.ts";

/** What a deployment has found out so far; the result and the report are made of it, whenever it ends. */
export class RunFacts {
  readonly aim: Aim;
  readonly recovered: RecoveryResult[] = [];
  plan: Plan | undefined;
  before: RunsFacts | undefined;
  deployment: number | undefined;
  running: readonly RunningService[] = [];
  evidence: readonly InstanceEvidence[] = [];
  /** Why the release itself was given up, when the way back failed for another cause. */
  first: CauseDetail | undefined;
  restoreMs: number | undefined;
  /** Who asked this one to stop, when it did. */
  stopRequest: StopRecord | undefined;
  leftOpen = false;
  /** What could not be cleared away after the release was proven. */
  leftBehind: readonly Leftover[] = [];
  readonly #ports: RolloutPorts;
  readonly #beganAt: number;
  readonly #startedAt: string;

  constructor(aim: Aim, ports: RolloutPorts) {
    this.aim = aim;
    this.#ports = ports;
    this.#beganAt = ports.clock.now();
    this.#startedAt = ports.clock.date().toISOString();
  }

  /** To those that the plan came with. */
  addFindings(findings: readonly Finding[]): void {
    if (this.plan !== undefined) this.plan = { ...this.plan, findings: [...this.plan.findings, ...findings] };
  }

  async result(outcome: Outcome, cause?: CauseDetail): Promise<DeploymentResult> {
    this.#ports.onEvent?.({ kind: "ended", outcome, ...(cause === undefined ? {} : { cause }) });
    const report = await this.#report(outcome, cause);
    const { leftOpen, recovered } = this;
    return { outcome, ...(cause === undefined ? {} : { cause }), report, leftOpen, recovered };
  }

  async #report(outcome: Outcome, cause: CauseDetail | undefined): Promise<DeploymentReport> {
    const { application, environment, target } = this.#ports.target.scope;
    const durationMs = this.#ports.clock.now() - this.#beganAt;
    const { url, release, rollback, stages = [] } = this.aim;
    return {
      application,
      environment,
      target,
      ...(url === undefined ? {} : { url }),
      outcome,
      ...(cause === undefined ? {} : { cause, ...this.#likely(cause) }),
      ...(this.deployment === undefined ? {} : { deployment: this.deployment }),
      release: { digest: release.digest, source: release.source },
      ...(rollback === undefined ? {} : { rollback }),
      ...this.#supersededBy(),
      ...this.#previous(),
      changes: this.plan?.services ?? [],
      ...(this.plan?.others === undefined ? {} : { others: this.plan.others }),
      findings: [...(this.plan?.findings ?? []), ...this.leftBehind.map(leftoverFinding)],
      running: this.running,
      evidence: this.evidence,
      advice: await this.#advice(),
      notCovered: this.plan?.notCovered ?? [],
      stages: [...stages, { name: "deploy", state: stateOf(outcome), durationMs }],
      startedAt: this.#startedAt,
      durationMs,
      ...(this.restoreMs === undefined ? {} : { restoreMs: this.restoreMs }),
    };
  }

  /** When the way back failed too, the report's cause is that of the way back: why it was taken is told here. */
  #likely(cause: CauseDetail): Pick<DeploymentReport, "likelyCause"> {
    const sentence = likelyCause(this.first ?? cause, this.evidence);
    const why = this.first === undefined ? [] : [`the release was given up because ${explainCause(this.first)}`];
    const all = [...why, ...(sentence === undefined ? [] : [sentence])];
    return all.length === 0 ? {} : { likelyCause: all.join("; ") };
  }

  #supersededBy(): Pick<DeploymentReport, "supersededBy"> {
    if (this.stopRequest === undefined) return {};
    const { by, release, rollback } = this.stopRequest;
    const { to, by: person } = rollback ?? {};
    const back = to === undefined ? {} : { rollback: { to, ...(person === undefined ? {} : { by: person }) } };
    return { supersededBy: { run: by.run, source: release.source, ...back } };
  }

  #previous(): Pick<DeploymentReport, "previous"> {
    if (this.before?.release === undefined) return {};
    const { deployment, release } = this.before;
    const number = deployment === undefined ? {} : { deployment };
    return { previous: { ...number, release: release.digest, source: release.source } };
  }

  /** Advice is a courtesy: an engine that can't be asked for it changes no outcome. */
  async #advice(): Promise<DeploymentReport["advice"]> {
    const clearing = this.leftBehind.map(({ what, command }) => ({ title: `Remove ${what}`, command }));
    try {
      return [...clearing, ...(await this.#ports.target.advice())];
    } catch (error) {
      this.#ports.log.debug(`no advice from the target: ${String(error)}`);
      return clearing;
    }
  }
}

function leftoverFinding({ what, service, command, why }: Leftover): Finding {
  const message = `${what} stays behind: ${why}`;
  const remedy = `The release is no worse for it. Remove it by hand: ${command}`;
  return { level: "warn", check: LEFT_BEHIND, ...(service === undefined ? {} : { service }), message, remedy };
}

/** A release that gave way did not fail. */
function stateOf(outcome: Outcome): StageReport["state"] {
  if (outcome === "superseded") return "skipped";
  return outcome === "succeeded" || outcome === "unchanged" ? "passed" : "failed";
}

export function releaseFacts(release: Release): ReleaseFacts {
  const images = Object.entries(release.services).map(([name, image]) => [name, pinnedReference(image)] as const);
  return {
    digest: releaseDigest(release),
    source: release.source,
    images: Object.fromEntries(images.filter((pair): pair is [string, string] => pair[1] !== undefined)),
  };
}
