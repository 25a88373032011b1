import { type DeploymentReport, formatDuration, lastingServices, nothingRuns, type RunningService } from "@belay/core";
import { code } from "./markdown.ts";

/** Services that are named; the table of what runs has the rest. */
const NAMED = 5;

/** What the way forward has proven, told of a deployment that ended well: nothing is called healthy of which no instance is ready. */
export function provenForward(report: DeploymentReport): string {
  const none = lastingServices(report).filter(({ ready }) => ready === 0);
  if (nothingRuns(report)) return `is in place, and nothing shows that it is healthy: ${counts(none)}.`;
  const proven = `is running and was proven healthy in ${formatDuration(report.durationMs)}`;
  return none.length === 0 ? `${proven}.` : `${proven}, except ${counts(none)}.`;
}

/** The same of a deployment that had nothing to change. */
export function provenUnchanged(report: DeploymentReport): string {
  const none = lastingServices(report).filter(({ ready }) => ready === 0);
  if (nothingRuns(report))
    return `is what was there already; nothing was touched, and nothing shows that it is healthy: ${counts(none)}.`;
  const proven = "is what was running already; nothing was touched, and it was proven healthy";
  return none.length === 0 ? `${proven}.` : `${proven}, except ${counts(none)}.`;
}

/**
 * What the way back has proven of `subject`. It asks for no more than there was before: of what was scaled to 0 or ill then, nothing
 * was proven.
 */
export function provenBack(report: DeploymentReport, subject: string): string {
  if (report.running.length === 0) return "Nothing of this application runs now.";
  const short = lastingServices(report).filter(({ ready, desired }) => ready === 0 || ready < desired);
  if (nothingRuns(report)) return `${subject} is back, and nothing shows that it is healthy: ${counts(short)}.`;
  return short.length === 0
    ? `${subject} was proven healthy.`
    : `${subject} was proven healthy, except ${counts(short)}.`;
}

/** `worker` (no instance is to run), `web` (1 of 3 instances ready). */
function counts(services: readonly RunningService[]): string {
  if (services.length === 0) return "no instance is to run";
  const named = services.slice(0, NAMED).map(({ service, ready, desired }) => {
    return `${code(service)} (${desired === 0 ? "no instance is to run" : `${ready} of ${desired} instances ready`})`;
  });
  const more = services.length - named.length;
  return `${named.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}
