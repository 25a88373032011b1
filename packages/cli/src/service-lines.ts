import { plainText } from "@belay/core";
import type { ServiceStatus } from "@belay/pipeline";
import { alignColumns, wholeSeconds } from "./service-table.ts";

/** All that is known of a service as it runs, a fact a line. */
export function serviceLines(service: ServiceStatus): string[] {
  const { source, digests, by, since, drift } = service;
  const rows = [
    ["release", releaseWords(service)],
    ["commit", commitWords(service)],
    ...(source?.author === undefined ? [] : [["author", source.author]]),
    ["revision", service.revision],
    ["image", service.image],
    ["digests", digests.length === 0 ? "unknown" : digests.join(" ")],
    ["since", since === undefined ? "unknown" : wholeSeconds(since)],
    ["by", by ?? "unknown"],
    ...(drift === undefined ? [] : [["DRIFT", drift]]),
  ];
  const health = Object.entries(service.health).map(([state, count]) => `${count} ${state}`);
  const counts = health.length === 0 ? "" : ` (${health.join("; ")})`;
  const head = `${service.service}  ${service.done === true ? "done" : `${service.ready}/${service.desired} ready`}${counts}`;
  const table = alignColumns(rows.map((row) => ["", ...row])).split("\n");
  return [head, ...table].map((line) => plainText(line));
}

function releaseWords({ release, releaseDigest, deployment, rolledBackTo }: ServiceStatus): string {
  if (deployment === undefined) return "none: not made by Belay";
  const back = rolledBackTo === undefined ? "" : `, rolled back to ${rolledBackTo}`;
  const known = releaseDigest === undefined ? ", by its label only" : "";
  return `${release ?? "unknown"} (deployment ${deployment}${back}${known})`;
}

function commitWords({ source, labelledCommit }: ServiceStatus): string {
  if (source !== undefined)
    return `${source.revision}${source.dirty === true ? " plus changes that no commit holds" : ""}`;
  return labelledCommit === undefined ? "unknown" : `${labelledCommit} (by the image's label)`;
}
