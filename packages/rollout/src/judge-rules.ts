import type {
  Cause,
  CauseDetail,
  Condition,
  ContainerState,
  Instance,
  ObservedService,
  ProbeReading,
} from "@belay/core";
import { conditionKey, hasEnded, isReady, isUnhealthy, isUp, probeKey } from "./baseline.ts";
import {
  type Crash,
  exitedSinceBegin,
  type InstanceFacts,
  lasting,
  type ServiceFacts,
  tellingInstances,
} from "./facts.ts";
import type { JudgeTerms } from "./verdict.ts";

/**
 * How long a thing must be seen that an engine may still put right by itself in a moment: an ended container that is
 * about to be replaced, a node that is full only until an instance on it has stopped.
 */
export const SETTLE_MS = 2_000;

/** One service with all that a rule may look at. Times are monotonic milliseconds. */
export interface Scene {
  readonly terms: JudgeTerms;
  readonly now: number;
  readonly service: ObservedService;
  readonly facts: ServiceFacts;
  readonly instances: ReadonlyMap<string, InstanceFacts>;
  readonly crashes: readonly Crash[];
  readonly conditionsSince: ReadonlyMap<string, number>;
  /** Those that count: of the service as a whole, and of current instances of the wanted revision. */
  readonly readings: readonly ProbeReading[];
  /** Whether any instance of the service is asked by itself. */
  readonly asksInstances: boolean;
  readonly probes: ReadonlyMap<string, ProbeFacts>;
}

export interface ProbeFacts {
  /** Instances that were ready when it last passed. While one of them serves, a failure is news. */
  readonly vouchers: readonly string[];
  /** Since when it could pass but has not: the instances it asks are all ready. */
  readonly waitingSince: number | undefined;
}

export type Rule = (scene: Scene) => CauseDetail | undefined;

/** Engines' own words for a container that waits, and what they mean (Kubernetes: `pkg/kubelet/images`, `kuberuntime`). */
const REASONS: Readonly<Record<string, Cause>> = {
  ErrImagePull: "image_unavailable",
  ImagePullBackOff: "image_unavailable",
  ErrImageNeverPull: "image_unavailable",
  InvalidImageName: "image_unavailable",
  CreateContainerConfigError: "config_missing",
  CreateContainerError: "start_failed",
  RunContainerError: "start_failed",
  StartError: "start_failed",
  ContainerCannotRun: "start_failed",
  StartupProbeFailed: "startup_killed",
};

/**
 * The signs that decide, the most telling first: when several are seen at once, the first one is named.
 * Each rule is told what is left over from before the deployment and does not count it.
 */
export const RULES: Readonly<Record<string, Rule>> = {
  engineCondition: (scene) => findCondition(scene, (type) => type !== "unschedulable" && !engineActed(type)),
  waitingReason,
  startFailed,
  oomKilled,
  unhealthy,
  crashLoop,
  exited,
  readinessLost,
  unschedulable: (scene) => findCondition(scene, (type) => type === "unschedulable", SETTLE_MS),
  engineActed: (scene) => findCondition(scene, engineActed),
  probeFailed,
  startTimeout,
  instanceMissing,
};

/** The engine reacted to something; what that was is the better cause, when it is seen too. */
function engineActed(type: Condition["type"]): boolean {
  return type === "engine_paused" || type === "engine_rolled_back";
}

function findCondition(scene: Scene, matches: (type: Condition["type"]) => boolean, settleMs = 0) {
  const found = scene.service.conditions.find((condition) => {
    const since = scene.conditionsSince.get(conditionKey(scene.service.name, condition));
    return since !== undefined && scene.now - since >= settleMs && matches(condition.type);
  });
  return found && { cause: found.type, service: scene.service.name, detail: found.message };
}

function waitingReason(scene: Scene): CauseDetail | undefined {
  for (const { instance, container } of fresh(scene)) {
    const cause = container.reason === undefined ? undefined : REASONS[container.reason];
    if (cause !== undefined && !isUp(container)) {
      return at(scene, cause, instance, container.lastExit?.error ?? container.reason);
    }
  }
  return undefined;
}

function startFailed(scene: Scene): CauseDetail | undefined {
  const found = fresh(scene).find(({ container }) => !isUp(container) && hasText(container.lastExit?.error));
  return found && at(scene, "start_failed", found.instance, found.container.lastExit?.error);
}

function oomKilled(scene: Scene): CauseDetail | undefined {
  const found = fresh(scene).find(({ container }) => container.lastExit?.oomKilled === true);
  return found && at(scene, "oom_killed", found.instance, exitText(found.container));
}

/** `unhealthy` respects the check's own start period and retries (Engine API, HEALTHCHECK), so it decides at once. */
function unhealthy(scene: Scene): CauseDetail | undefined {
  const found = telling(scene).find(({ instance, facts }) => isUnhealthy(instance) && !facts.unhealthyBefore);
  return found && at(scene, "unhealthy", found.instance, `the health check of ${found.instance.title} failed`);
}

function crashLoop(scene: Scene): CauseDetail | undefined {
  const counts = new Map<string, number>();
  for (const crash of scene.crashes) {
    const key = JSON.stringify([crash.slot, crash.container]);
    const count = (counts.get(key) ?? 0) + crash.count;
    counts.set(key, count);
    if (count >= scene.terms.policy.crashes) {
      const code = crash.exitCode === undefined ? "" : `exit code ${crash.exitCode}, `;
      const times = count === 1 ? "1 crash" : `${count} crashes`;
      return { cause: "crash_loop", service: scene.service.name, instance: crash.title, detail: code + times };
    }
  }
  return undefined;
}

function exited(scene: Scene): CauseDetail | undefined {
  const complete = scene.service.goal === "complete";
  const found = fresh(scene).find(({ instance, container, facts }) => {
    if (!hasEnded(container) || instance.endedBy === "engine" || instance.endedBy === "node") return false;
    if (complete) return container.lastExit?.code !== 0;
    const settled = facts.endedSince !== undefined && scene.now - facts.endedSince >= SETTLE_MS;
    return instance.phase === "current" && lasting(container) && settled;
  });
  return found && at(scene, "exited", found.instance, exitText(found.container));
}

/** Only a container that still runs loses readiness; one that ended crashed, and crashes are counted. */
function readinessLost(scene: Scene): CauseDetail | undefined {
  const found = telling(scene).find(
    ({ instance, facts }) =>
      instance.phase === "current" &&
      runs(scene) &&
      facts.wasReady &&
      facts.unreadySince !== undefined &&
      !facts.unhealthyBefore &&
      instance.containers.every((container) => isUp(container) || !lasting(container)),
  );
  return found && at(scene, "readiness_lost", found.instance, `${found.instance.title} was ready before`);
}

function probeFailed(scene: Scene): CauseDetail | undefined {
  const present = new Set(scene.service.instances.filter((one) => one.phase === "current").map((one) => one.id));
  const found = scene.readings.find((reading) => {
    const facts = scene.probes.get(probeKey(reading));
    if (facts === undefined || reading.state === "passing") return false;
    const news = reading.state === "failing" && facts.vouchers.some((id) => present.has(id));
    return news || isOverdue(scene, facts.waitingSince);
  });
  if (found === undefined) return undefined;
  const instance = scene.service.instances.find((one) => one.id === found.instance)?.title;
  const where = { service: scene.service.name, ...(instance === undefined ? {} : { instance }) };
  return { cause: "probe_failed", ...where, detail: `${found.title}: ${found.detail}` };
}

function startTimeout(scene: Scene): CauseDetail | undefined {
  const found = telling(scene).find(
    ({ instance, facts }) => instance.phase === "current" && runs(scene) && isOverdue(scene, facts.unreadySince),
  );
  const detail = `not ready after ${seconds(scene.terms.policy.startMs)}`;
  return found && at(scene, "start_timeout", found.instance, `${detail}${stateText(found.instance)}`);
}

function instanceMissing(scene: Scene): CauseDetail | undefined {
  if (!isOverdue(scene, scene.facts.missingSince)) return undefined;
  const { name, desired, instances } = scene.service;
  const present = instances.filter((one) => one.phase === "current").length;
  const detail = `${present} of ${desired} exist, and no new one came for ${seconds(scene.terms.policy.startMs)}`;
  return { cause: "instance_missing", service: name, detail };
}

function isOverdue(scene: Scene, since: number | undefined): boolean {
  return since !== undefined && scene.now - since >= scene.terms.policy.startMs;
}

function runs(scene: Scene): boolean {
  return scene.service.goal === "run";
}

function telling(scene: Scene): { instance: Instance; facts: InstanceFacts }[] {
  return tellingInstances(scene.service).flatMap((instance) => {
    const facts = scene.instances.get(instance.id);
    return facts === undefined ? [] : [{ instance, facts }];
  });
}

/** Containers of the wanted revision whose present state or last exit came after begin. */
function fresh(scene: Scene): { instance: Instance; facts: InstanceFacts; container: ContainerState }[] {
  return telling(scene).flatMap(({ instance, facts }) =>
    instance.containers
      .filter((container) => exitedSinceBegin(container, facts.containers.get(container.name)))
      .map((container) => ({ instance, facts, container })),
  );
}

function at(scene: Scene, cause: Cause, instance: Instance, detail: string | undefined): CauseDetail {
  const where = { cause, service: scene.service.name, instance: instance.title };
  return hasText(detail) ? { ...where, detail } : where;
}

function hasText(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

function exitText(container: ContainerState): string | undefined {
  return container.lastExit && `exit code ${container.lastExit.code}`;
}

function stateText(instance: Instance): string {
  const unready = instance.containers.find((one) => !isUp(one)) ?? instance.containers[0];
  if (unready === undefined || isReady(instance)) return "";
  return `: ${[unready.state, unready.reason].filter(hasText).join(", ")}`;
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1_000} s`;
}
