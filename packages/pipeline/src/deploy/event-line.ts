import { describeCause } from "@belay/core";
import type { RolloutEvent, ServiceProgress } from "@belay/rollout";

/** One line for an event of a rollout; `undefined` when it says nothing to people. Holds outside text. */
export function eventLine(event: RolloutEvent): string | undefined {
  switch (event.kind) {
    case "step":
      return undefined;
    case "chosen":
      return `going back to deployment ${event.deployment}, commit ${event.release.source.revision.slice(0, 12)}`;
    case "waiting":
      return `waiting for deployment ${event.deployment}, held by ${event.holder?.run ?? "an unknown run"}`;
    case "asking":
      return `deployment ${event.deployment} of ${event.holder.run} was asked to stop`;
    case "asked":
      return `asked to stop by ${event.by.by.run}: going back to what ran before`;
    case "begun":
      return `deployment ${event.deployment} begun`;
    case "observed":
      return `${event.direction === "back" ? "back, " : ""}${event.stage}: ${event.services.map(progressLine).join("; ")}`;
    case "failed":
      return `failed: ${describeCause(event.cause)}`;
    case "unreachable":
      return `the engine does not answer: ${event.message}`;
    case "ended":
      return `ended: ${event.outcome}${event.cause === undefined ? "" : ` (${describeCause(event.cause)})`}`;
  }
}

/** `web: 2 of 3 ready, 3 of another revision` */
export function progressLine(service: ServiceProgress): string {
  const others = service.others === 0 ? "" : `, ${service.others} of another revision`;
  return `${service.service}: ${service.ready} of ${service.desired} ready${others}`;
}

/** Tells each event whose line differs from the one before. */
export function eventTeller(tell: (line: string) => void): (event: RolloutEvent) => void {
  let last: string | undefined;
  return (event) => {
    const line = eventLine(event);
    if (line === undefined || line === last) return;
    last = line;
    tell(line);
  };
}
