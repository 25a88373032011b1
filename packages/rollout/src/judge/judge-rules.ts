import type { Cause, CauseDetail, Condition, ContainerState, Instance } from "@belay/core";
import { hasEnded, isReady, isUnhealthy, isUp, probeKey } from "./baseline.ts";
import { countsAt, SETTLE_MS } from "./counts-at.ts";
import { lasting } from "./facts.ts";
import type { Scene } from "./scene.ts";

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
};

/**
 * The signs that decide, the most telling first: when several are seen at once, the first one is named.
 * Each rule is told what is left over from before the deployment and does not count it.
 */
export const RULES: Readonly<Record<string, Rule>> = {
  engineCondition: (scene) => findCondition(scene, (type) => !LATE.includes(type) && !engineActed(type)),
  waitingReason,
  startFailed,
  oomKilled,
  killed,
  unhealthy,
  crashLoop,
  exited,
  readinessLost,
  unschedulable: (scene) => findCondition(scene, (type) => type === "unschedulable"),
  engineReacted,
  probeFailed,
  engineGaveUp: (scene) => findCondition(scene, (type) => type === "start_timeout"),
  startTimeout,
  instanceMissing,
};

/** What an engine says last, or of what it may put right in a moment. */
const LATE: readonly Condition["type"][] = ["unschedulable", "start_timeout"];

/** The engine reacted to something; what that was is the better cause, when it is seen too. */
function engineActed(type: Condition["type"]): boolean {
  return type === "engine_paused" || type === "engine_rolled_back";
}

/** Many engines stop at the first crash, which alone would be tolerated: then that crash is what decided. */
function engineReacted(scene: Scene): CauseDetail | undefined {
  const found = findCondition(scene, engineActed);
  const crash = scene.crashes.at(-1);
  if (found === undefined || crash === undefined) return found;
  const code = crash.exitCode === undefined ? "" : `exit code ${crash.exitCode}; `;
  const { service, detail } = found;
  return { cause: "exited", service, instance: crash.title, detail: `${code}${detail}` };
}

function findCondition(scene: Scene, matches: (type: Condition["type"]) => boolean) {
  const found = scene.service.conditions.find((condition) => {
    return matches(condition.type) && scene.now >= (countsAt(scene, condition) ?? Number.POSITIVE_INFINITY);
  });
  return found && { cause: found.type, service: scene.service.name, detail: found.message };
}

function waitingReason(scene: Scene): CauseDetail | undefined {
  for (const { instance, container } of scene.fresh) {
    const cause = container.reason === undefined ? undefined : REASONS[container.reason];
    if (cause !== undefined && !isUp(container)) {
      return at(scene, cause, instance, waitingText(container));
    }
  }
  return undefined;
}

/** The engine's whole sentence names what is missing; its word alone makes people look for it. */
function waitingText({ reason, message, lastExit }: ContainerState): string | undefined {
  return lastExit?.error ?? [reason, message].filter(hasText).join(": ");
}

function startFailed(scene: Scene): CauseDetail | undefined {
  const found = scene.fresh.find(
    ({ instance, container }) => !isUp(container) && instance.endedBy !== "node" && hasText(container.lastExit?.error),
  );
  return found && at(scene, "start_failed", found.instance, found.container.lastExit?.error);
}

function oomKilled(scene: Scene): CauseDetail | undefined {
  const found = scene.fresh.find(({ container }) => container.lastExit?.oomKilled === true);
  return found && at(scene, "oom_killed", found.instance, exitText(found.container));
}

/** A start-up or liveness probe has its own delay, period and threshold, so that its kill decides at once. */
function killed(scene: Scene): CauseDetail | undefined {
  const found = scene.fresh.find(({ container }) => container.lastExit?.killedBy !== undefined);
  const by = found?.container.lastExit?.killedBy;
  if (found === undefined || by === undefined) return undefined;
  const detail = `the engine killed ${found.instance.title} because its ${by} failed`;
  return at(scene, by === "startup probe" ? "startup_killed" : "unhealthy", found.instance, detail);
}

/** `unhealthy` respects the check's own start period and retries (Engine API, HEALTHCHECK), so it decides at once. */
function unhealthy(scene: Scene): CauseDetail | undefined {
  const found = scene.instances.telling.find(({ instance, facts }) => isUnhealthy(instance) && !facts.unhealthyBefore);
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
      // What runs once and fails once goes round in no loop.
      const cause = count === 1 && !runs(scene) ? "exited" : "crash_loop";
      return { cause, service: scene.service.name, instance: crash.title, detail: code + times };
    }
  }
  return undefined;
}

function exited(scene: Scene): CauseDetail | undefined {
  const complete = scene.service.goal === "complete";
  const found = scene.fresh.find(({ instance, container, facts }) => {
    if (!hasEnded(container) || instance.endedBy === "engine" || instance.endedBy === "node") return false;
    if (complete) return container.lastExit?.code !== 0;
    const settled = facts.endedSince !== undefined && scene.now - facts.endedSince >= SETTLE_MS;
    return instance.phase === "current" && lasting(container) && settled;
  });
  return found && at(scene, "exited", found.instance, exitText(found.container));
}

/** Only a container that still runs loses readiness; one that ended crashed, and crashes are counted. */
function readinessLost(scene: Scene): CauseDetail | undefined {
  const found = scene.instances.telling.find(
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
  if (scene.asked.length === 0) return undefined;
  const present = new Set(scene.instances.list.filter((one) => one.current).map((one) => one.id));
  const found = scene.asked.find((reading) => {
    const facts = scene.memory.probes.get(probeKey(reading));
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
  const found = scene.instances.telling.find(
    ({ instance, facts }) => instance.phase === "current" && runs(scene) && isOverdue(scene, facts.unreadySince),
  );
  const detail = `not ready after ${seconds(scene.terms.policy.startMs)}`;
  return (
    found && (waitedFor(scene) ?? at(scene, "start_timeout", found.instance, `${detail}${stateText(found.instance)}`))
  );
}

function instanceMissing(scene: Scene): CauseDetail | undefined {
  if (!isOverdue(scene, scene.memory.missingSince)) return undefined;
  const { name, desired } = scene.service;
  const detail = `${scene.instances.current} of ${desired} exist, and no new one came for ${seconds(scene.terms.policy.startMs)}`;
  return waitedFor(scene) ?? { cause: "instance_missing", service: name, detail };
}

/** When the time for a start is over, what stands in its way is the better cause, even if it did so before. */
function waitedFor({ service }: Scene): CauseDetail | undefined {
  const found = service.conditions.find((one) => one.mayPass === true);
  return found && { cause: found.type, service: service.name, detail: found.message };
}

function isOverdue(scene: Scene, since: number | undefined): boolean {
  return since !== undefined && scene.now - since >= scene.terms.policy.startMs;
}

function runs(scene: Scene): boolean {
  return scene.service.goal === "run";
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
  return `: ${[unready.state, unready.reason, unready.message].filter(hasText).join(", ")}`;
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1_000} s`;
}
