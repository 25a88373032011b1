import type { Instance, InstanceEvidence, Observation, ObservedService } from "@belay/core";

/** As many as a reader needs to see the pattern. */
const MOST = 5;
const UNKNOWN = ["its log, its events and what its health check said: the engine did not tell in time"];

/** What the judged observation itself tells of ends, for when the engine was not asked further in time. */
export function seenEvidence({ services }: Observation): readonly InstanceEvidence[] {
  const all = services.flatMap((service) =>
    service.instances
      .filter((one) => one.revision === service.wantedRevision)
      .flatMap((one) => evidenceOf(service, one)),
  );
  return all.slice(0, MOST);
}

function evidenceOf({ name, goal }: ObservedService, { title, containers }: Instance): InstanceEvidence[] {
  const exits = containers.filter((one) => one.role !== "init" || one.lastExit?.code !== 0);
  const exit = exits.map((one) => one.lastExit).find((one) => one !== undefined && (goal === "run" || one.code !== 0));
  if (exit === undefined) return [];
  const { code: exitCode, oomKilled } = exit;
  return [{ service: name, instance: title, exitCode, oomKilled, logLines: [], events: [], unknown: UNKNOWN }];
}
