import { oneLine } from "@belay/core";
import type { ScanReport } from "../report/scan-report.ts";
import type { ScanScope } from "../report/scan-scope.ts";
import type { Scanner } from "../trivy/image-arguments.ts";
import type { GatePolicy } from "./gate-policy.ts";

const SOUGHT: Readonly<Record<Scanner, string>> = {
  vuln: "vulnerabilities",
  secret: "secrets",
  misconfig: "misconfigurations",
  license: "licences",
};

/** What of an image nobody looked at, though the settings want it, in words that go on from its name; empty: nothing. */
export function lookAtScope({ scope }: Pick<ScanReport, "scope">, policy: GatePolicy): readonly string[] {
  if (scope === undefined) return ["nobody knows what was looked for"];
  const left = wanted(policy).filter((scanner) => !scope.scanners.includes(scanner));
  const { packages, skipped = [] } = scope;
  return [
    ...left.map((scanner) => `nobody looked for ${SOUGHT[scanner]}`),
    ...(packages !== undefined && isPart(packages)
      ? [`of its packages only ${packages.join(", ") || "none"} counted`]
      : []),
    ...(skipped.length === 0 ? [] : [`left out was ${oneLine(skipped.join(", "))}`]),
  ];
}

/** Severities are those of vulnerabilities, first of all: a gate that asks for them and sees none has not looked. */
function wanted({ scanners, failOn, failOnProbability }: GatePolicy): Scanner[] {
  const asks = failOn.length > 0 || failOnProbability !== undefined;
  return [...new Set<Scanner>([...(asks ? (["vuln"] as const) : []), ...scanners])];
}

function isPart(packages: NonNullable<ScanScope["packages"]>): boolean {
  return !(packages.includes("os") && packages.includes("library"));
}
