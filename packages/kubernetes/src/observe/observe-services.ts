import type { ObservedService, Wanted } from "@belay/core";
import { asRestored } from "../as-restored.ts";
import { titleOf } from "../kubernetes-object.ts";
import type { TargetState } from "../target-state.ts";
import { asItEnded } from "./as-it-ended.ts";
import type { NamespaceView } from "./namespace-watch.ts";
import { othersDoing, whoChanged } from "./others-change.ts";
import { removeStuckSince } from "./stuck-since.ts";
import { findWorkload, translateService } from "./translate-service.ts";

/** How long the kubelet's event about a kill may lag behind the container's end. */
const EXPLAIN_MS = 500;
const POLL_MS = 20;
/** How a container ends that was told to: by itself, by SIGKILL, by SIGTERM. */
const TOLD = [0, 137, 143];

/**
 * All services as they are now. That a probe killed a container is told by an event, which may come a moment after the
 * container's end: such an end is looked at again, once, so that its cause is the true one.
 */
export async function observeServices(
  state: TargetState,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<ObservedService[]> {
  const kinds = state.kindsFor(wanted.map(({ service }) => service));
  const { clock } = state.options;
  const look = async (): Promise<ObservedService[]> => {
    const view = await state.watch.read(kinds, signal);
    const services = wanted.map((one) => {
      const key = state.keyOf(one.service);
      const service = asItEnded(state.ended, translateService(one, key, view), findWorkload(key, view));
      return withDrift(state, asRestored(service, state.restoring), view);
    });
    await removeStuckSince(state, services, view, signal);
    return services;
  };
  let services = await look();
  const news = unexplained(services).filter((exit) => !state.explained.has(exit));
  if (news.length === 0) return services;
  for (const exit of news) state.explained.add(exit);
  const until = clock.now() + EXPLAIN_MS;
  while (clock.now() < until && unexplained(services).some((exit) => news.includes(exit))) {
    await clock.sleep(POLL_MS, signal);
    services = await look();
  }
  return services;
}

/** What somebody else has made of a workload in mid-deployment is left to people, and told. */
function withDrift(state: TargetState, service: ObservedService, view: NamespaceView): ObservedService {
  const key = state.keyOf(service.name);
  const workload = findWorkload(key, view);
  const written = state.written.get(service.name);
  const doing = state.foreign.has(service.name) ? "changed" : othersDoing(workload, written, service.wantedRevision);
  if (doing === undefined) return service;
  const who = doing === "removed" || workload === undefined ? undefined : whoChanged(workload);
  const by = who === undefined ? "somebody else" : `somebody else (${who})`;
  const message = `${by} ${doing} ${titleOf(key)} in between`;
  // Who removes it may be about to make it again.
  const condition = doing === "removed" ? { message, mayPass: true } : { message };
  return { ...service, conditions: [...service.conditions, { type: "drifted", ...condition }] };
}

/** Ends of containers with probes that look as if somebody told them to. */
function unexplained(services: readonly ObservedService[]): string[] {
  return services.flatMap(({ goal, wantedRevision, instances }) =>
    instances
      .filter((one) => goal === "run" && one.phase === "current" && one.revision === wantedRevision)
      .flatMap(({ id, containers }) =>
        containers.flatMap(({ name, health, lastExit }) => {
          if (lastExit === undefined || health === "none" || !TOLD.includes(lastExit.code)) return [];
          if (lastExit.killedBy !== undefined || lastExit.oomKilled) return [];
          return [`${id} ${name} ${lastExit.at}`];
        }),
      ),
  );
}
