import { oneLine } from "@belay/core";
import type { Finding } from "../report/finding.ts";
import type { GateResult } from "./gate-result.ts";
import { groupDecisions } from "./group-decisions.ts";

/** `lodash 4.17.11`, `/app/settings.sh:3`: what it was found in. Outside text. */
export function subjectOf(finding: Finding): string {
  switch (finding.kind) {
    case "vulnerability":
      return oneLine(`${finding.package} ${finding.installed}`);
    case "licence":
      return oneLine(finding.package ?? finding.target);
    default:
      return oneLine(finding.line ? `${finding.target}:${finding.line}` : finding.target);
  }
}

/** `fixed in 4.17.12`, `no fix (will_not_fix)`, or what else to do. Outside text. */
export function remedyOf(finding: Finding): string {
  switch (finding.kind) {
    case "vulnerability":
      return oneLine(finding.fixed === undefined ? `no fix (${finding.status})` : `fixed in ${finding.fixed}`);
    case "secret":
      return finding.inRepository
        ? "revoke it, take it out of the file, and give it to the build as a secret"
        : "revoke it, and take it out of every layer";
    case "misconfiguration":
      return oneLine(finding.resolution ?? finding.message);
    case "licence":
      return oneLine(`licence category: ${finding.category}`);
  }
}

/** The instruction that brought it in. Outside text. */
export function originOf(finding: Finding): string {
  const { createdBy, diffId } = finding.layer ?? {};
  const instruction = createdBy
    ?.replace(/^\/bin\/sh -c (?:#\(nop\) )?|\s*# buildkit$/g, "")
    // The classic builder names what was copied by a digest.
    .replace(/\b((?:dir|file|multi):[0-9a-f]{12})[0-9a-f]{52}\b/g, "$1");
  return oneLine(instruction ?? diffId?.slice(0, 19) ?? "", 80);
}

/** One line that says how it stands. */
export function headlineOfScan(result: GateResult): string {
  const failing = groupDecisions(result.decisions.filter((one) => one.effect === "fails")).length;
  const unknown = result.obstacles.map((one) => one.platform ?? "the image").join(", ");
  if (result.result === "vulnerable") {
    const also = unknown === "" ? "" : `; ${unknown} could not be scanned`;
    return `${failing} ${failing === 1 ? "finding lets" : "findings let"} the scan fail${also}`;
  }
  if (result.result === "could_not_scan") return `Could not scan ${unknown || "anything"}: nothing is known about it`;
  const part = result.partial ? ", but only a part was looked at" : "";
  return `Nothing was found that lets the scan fail${part}`;
}
