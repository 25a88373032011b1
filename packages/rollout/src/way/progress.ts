import type { ContainerState, Instance, Observation, ObservedService } from "@belay/core";
import { isReady } from "../judge/baseline.ts";
import { completed } from "../judge/facts.ts";
import { wantedInstances } from "../judge/scene.ts";
import type { ServiceProgress } from "../ports.ts";

/** What a person is shown of an observation, a line per service and one per instance. */
export function progressOf(observation: Observation): readonly ServiceProgress[] {
  return observation.services.map(progressOfService);
}

function progressOfService(service: ObservedService): ServiceProgress {
  const wanted = wantedInstances(service);
  const current = service.instances.filter((one) => one.phase === "current");
  const complete = service.goal === "complete";
  return {
    service: service.name,
    desired: service.desired,
    wanted: wanted.length,
    ready: complete ? completed(service) : wanted.filter(isReady).length,
    others: current.length - wanted.length,
    instances: service.instances.map((one) => ({
      title: one.title,
      wanted: one.revision === service.wantedRevision,
      phase: one.phase,
      ready: isReady(one),
      state: describeInstance(one),
    })),
  };
}

/** `running, healthy`; `restarting (exit code 1, 2 restarts)`: of the container that is furthest from being right. */
export function describeInstance(instance: Instance): string {
  const container = instance.containers.find((one) => one.state !== "running") ?? instance.containers[0];
  if (container === undefined) return "no container yet";
  const health = container.health === "none" ? [] : [container.health];
  const words = [container.state, ...(container.state === "running" ? health : [])].join(", ");
  const details = detailsOf(container);
  return details.length === 0 ? words : `${words} (${details.join(", ")})`;
}

function detailsOf(container: ContainerState): string[] {
  const details: string[] = [];
  if (container.reason !== undefined) details.push(container.reason);
  if (container.lastExit !== undefined && container.state !== "running") {
    details.push(container.lastExit.error ?? `exit code ${container.lastExit.code}`);
  }
  if (container.restarts > 0) details.push(container.restarts === 1 ? "1 restart" : `${container.restarts} restarts`);
  return details;
}
