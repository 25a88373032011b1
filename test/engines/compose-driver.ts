import { setTimeout as delay } from "node:timers/promises";
import {
  DEFAULT_ROLLOUT,
  type DeploymentContext,
  type Execution,
  type ExecutionStage,
  type Leftover,
  messageOf,
  type Observation,
  type Plan,
  type Release,
  type RolloutPolicy,
  releaseDigest,
  type Target,
  type Wanted,
} from "@belay/core";

export const POLICY: RolloutPolicy = { ...DEFAULT_ROLLOUT, stableMs: 800, drainMs: 800, startMs: 60_000 };

export interface Driven {
  readonly result: "succeeded" | "rolled_back" | "died";
  readonly why?: string;
  readonly plan: Plan;
  readonly snapshot: Uint8Array;
  readonly context: DeploymentContext;
  /** What could not be cleared away after it had succeeded. */
  readonly left?: readonly Leftover[];
  /** Time from the failure to the proof of the old release. */
  readonly restoreMs?: number;
}

/**
 * Carries a release out stage by stage with the plainest of judges, so that these tests look at the target alone.
 * `dieBefore`: index of the stage before which the run ends without a word, as a killed runner would.
 */
export async function drive(
  target: Target,
  release: Release,
  deployment: number,
  options: { readonly policy?: Partial<RolloutPolicy>; readonly dieBefore?: number } = {},
): Promise<Driven> {
  const policy = { ...POLICY, ...options.policy };
  const plan = await target.plan(release, policy);
  const refused = plan.findings.filter((one) => one.level === "refuse");
  if (refused.length > 0) throw new Error(`refused: ${refused.map((one) => `${one.check} ${one.message}`).join("; ")}`);
  const snapshot = await target.snapshot(plan);
  const context = { deployment, release: releaseDigest(release), policy };
  const execution = target.execution(plan, context);
  const stop = new AbortController();
  const following = follow(target, stop.signal);
  try {
    const why = await carryOut(target, execution, policy, options.dieBefore);
    if (why === "died") return { result: "died", plan, snapshot, context };
    const left = execution.leftBehind?.() ?? [];
    if (why === undefined) return { result: "succeeded", plan, snapshot, context, left };
    const began = performance.now();
    await goBack(target, snapshot, context).catch((error: unknown) => {
      throw new Error(`${why}; then ${messageOf(error)}`, { cause: error });
    });
    return { result: "rolled_back", why, plan, snapshot, context, restoreMs: performance.now() - began };
  } finally {
    stop.abort();
    await following;
  }
}

async function follow(target: Target, signal: AbortSignal): Promise<void> {
  for await (const _ of target.changes(signal)) if (signal.aborted) return;
}

/** Restores, and throws when the old release can't be proven. */
export async function goBack(
  target: Target,
  snapshot: Uint8Array,
  context: DeploymentContext,
): Promise<readonly string[]> {
  const restoration = await target.restoration(snapshot, context);
  const why = await carryOut(target, restoration, context.policy);
  if (why !== undefined) throw new Error(`the way back failed: ${why}`);
  return restoration.stages.map((stage) => stage.name);
}

/** Why it failed; nothing when all stages came true. */
async function carryOut(
  target: Target,
  { wanted, stages }: Execution,
  policy: RolloutPolicy,
  dieBefore?: number,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(160_000);
  for (const [index, stage] of stages.entries()) {
    if (index === dieBefore) return "died";
    const thrown = await stage.act(signal).then(() => undefined, messageOf);
    const why = thrown ?? (await watch(target, wanted, stage, policy, signal));
    if (why !== undefined) return `${stage.name}: ${why}`;
  }
  return undefined;
}

async function watch(
  target: Target,
  wanted: readonly Wanted[],
  stage: ExecutionStage,
  policy: RolloutPolicy,
  signal: AbortSignal,
): Promise<string | undefined> {
  const until = performance.now() + policy.startMs;
  let since: number | undefined;
  for (;;) {
    const seen = judged(await target.observe(wanted, signal), stage);
    const wrong = findWrong(seen);
    if (wrong !== undefined) return wrong;
    const waiting = waitingFor(seen, stage);
    const now = performance.now();
    since = waiting === undefined ? (since ?? now) : undefined;
    if (since !== undefined && now - since >= (stage.stable ? policy.stableMs : 0)) return undefined;
    if (now > until) return `timed out: ${waiting}`;
    await delay(50);
  }
}

/** Only the services that have had their change. */
function judged(seen: Observation, { services }: ExecutionStage): Observation {
  return services === undefined
    ? seen
    : { ...seen, services: seen.services.filter(({ name }) => services.includes(name)) };
}

function findWrong({ services }: Observation): string | undefined {
  for (const service of services) {
    const [condition] = service.conditions;
    if (condition !== undefined) return `${condition.type} ${condition.message}`;
    for (const one of service.instances.filter(({ revision }) => revision === service.wantedRevision)) {
      const [container] = one.containers;
      if (container?.health === "unhealthy") return `${one.title} unhealthy`;
      const crashed = container?.lastExit !== undefined && (service.goal === "run" || container.lastExit.code !== 0);
      // An old container that is started again still shows how it was stopped before.
      if (crashed && container.state !== "running" && container.lastExit?.code !== 0) return `${one.title} exited`;
    }
  }
  return undefined;
}

function waitingFor({ services }: Observation, stage: ExecutionStage): string | undefined {
  for (const service of services) {
    const current = service.instances.filter((one) => one.phase === "current");
    const right = current.filter((one) => one.revision === service.wantedRevision && one.ready);
    if (right.length < service.desired) return `${service.name}: ${right.length} of ${service.desired}`;
    if (stage.expect === "alone" && current.length !== right.length) return `${service.name}: others run`;
  }
  return undefined;
}
