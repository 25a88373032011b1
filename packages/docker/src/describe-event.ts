import type { EngineEvent } from "./engine-types.ts";

/** An event as a line of evidence: `10:35:00.120 die (exit code 3)`. Time of the engine, UTC. */
export function describeEvent(event: EngineEvent): string {
  const time = new Date(event.timeNano / 1e6).toISOString().slice(11, 23);
  const { exitCode, signal } = event.Actor.Attributes ?? {};
  const facts = [
    ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
    ...(signal === undefined ? [] : [`signal ${signal}`]),
  ];
  return `${time} ${event.Action}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`;
}
