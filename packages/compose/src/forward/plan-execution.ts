import {
  type DeploymentContext,
  dependencyLevels,
  type Execution,
  type ExecutionStage,
  LeftBehind,
  type Wanted,
} from "@belay/core";
import { formatRevision } from "../files/revision.ts";
import { isBrought, isTouched, type PlanContents, type PlannedService } from "../plan/plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import type { Work } from "./create-containers.ts";
import { retire } from "./retire-stage.ts";
import { shift } from "./shift-stage.ts";
import { start } from "./start-stage.ts";

/**
 * The way forward.
 *
 * `start`, once per level of dependencies: new containers beside the old ones, without the service's names, judged until
 * they have been right for the stable window. A release that goes bad up to here has never seen traffic, and the old
 * containers have never stopped serving. Services of later levels are not
 * judged yet.
 * `shift`: they get the names, the proxy is told, and after `drainMs` the old ones get SIGTERM. Those stay in their network
 * until they end: taking a running container out of it cut 10 of 1,600 requests, SIGTERM none (haproxy with DNS discovery
 * and retries of connections, 200 requests a second of 100 ms).
 * `retire`: the stopped old ones are removed. What the release has no more goes the way of old containers: it is stopped
 * in `shift`, when everything else is proven, and comes back with the rest. What can't be removed serves nobody: it is told.
 *
 * Services that can't overlap (`recreate`) are replaced within `start`: old stopped, new created, started and judged.
 */
export function planExecution(state: TargetState, plan: PlanContents, context: DeploymentContext): Execution {
  const left = new LeftBehind(state.options.log);
  const work: Work = { state, plan, context, left };
  state.restoring = undefined;
  state.carriedOut = context.deployment;
  state.beginWay(
    plan.services.flatMap(({ current }) => current.map(({ id }) => id)),
    plan.services.flatMap(({ beside = [] }) => beside),
  );
  for (const one of plan.services) if (!isTouched(one)) state.noteRunning(one.service, one.current);
  const wanted = plan.services.map((one) => wantedOf(one, context));
  const touched = plan.services.filter(isTouched);
  if (touched.length === 0) {
    return { wanted, stages: [{ name: "verify", act: async () => {}, expect: "alone", stable: true }] };
  }
  const levels = dependencyLevels(touched.filter(isBrought));
  const starts = levels.map((level, index): ExecutionStage => {
    const later = levels.slice(index + 1).flat();
    return {
      name: levels.length === 1 ? "start" : `start ${level.map((one) => one.service).join(", ")}`,
      act: (signal) => start(work, level, index === 0, signal),
      expect: "ready",
      stable: later.length === 0,
      services: plan.services.filter((one) => !later.includes(one)).map((one) => one.service),
    };
  });
  const stages: ExecutionStage[] = [
    ...starts,
    { name: "shift", act: (signal) => shift(work, touched, signal), expect: "alone", stable: true },
    { name: "retire", act: (signal) => retire(work, touched, signal), expect: "alone", stable: false },
  ];
  return { wanted, stages, leftBehind: () => left.all() };
}

function wantedOf(one: PlannedService, context: DeploymentContext): Wanted {
  const { service, goal, desired, hash, image, current } = one;
  if (one.action === "remove") return { service, goal, desired, revision: hash, digests: [] };
  const [sample] = current;
  const revision = isTouched(one) || sample === undefined ? formatRevision(hash, context.deployment) : sample.revision;
  const digest = image.slice(image.indexOf("@") + 1);
  return { service, goal, desired, revision, digests: [digest as Wanted["digests"][number]] };
}
