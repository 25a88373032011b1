import { oneLine } from "@belay/core";
import { type CouldNotScan, couldNotScan, ScanError } from "./could-not-scan.ts";
import type { GatePolicy } from "./gate-policy.ts";
import type { ScanReport } from "./scan-report.ts";

/** What a report could not see, which without a word would look like "nothing is wrong". */
export function lookAtCoverage(report: ScanReport, policy: GatePolicy): Coverage {
  const packages = lookAtPackages(report, policy);
  const unread = policy.wantDockerfile === true && report.coverage.dockerfile === "unreadable";
  return unread && packages.obstacle === undefined ? { ...packages, obstacle: unreadDockerfile(report) } : packages;
}

interface Coverage {
  readonly obstacle?: CouldNotScan;
  readonly notes: readonly string[];
}

function lookAtPackages(report: ScanReport, policy: GatePolicy): Coverage {
  if (!policy.kinds.includes("vulnerability")) return { notes: [] };
  const { os, osPackages, libraries, packages } = report.coverage;
  const image = imageOf(report);
  const name = os === undefined ? undefined : oneLine(`${os.family} ${os.name}`);
  const endOfLife = os?.endOfLife ? [`${image}: ${name} is at its end of life, and gets no security fixes.`] : [];
  const checked = packages > 0 || report.findings.some((finding) => finding.kind === "vulnerability");
  if (!checked && !policy.allowUnknownOs) return { obstacle: nothingSeen(report, image, name), notes: endOfLife };
  if (osPackages) return { notes: endOfLife };
  const found = libraries.length === 0 ? "no package at all" : `only ${libraries.join(", ")}`;
  const why = name === undefined ? "no known distribution was found" : `Trivy knows no advisories for ${name}`;
  return { notes: [...endOfLife, `${image}: ${found} was checked, because ${why}.`] };
}

function imageOf({ image, platform }: ScanReport): string {
  return platform === undefined ? oneLine(image) : `${oneLine(image)} (${platform})`;
}

/** Seen: a label with a space in it, in an image of the classic builder. Trivy then finds nothing, and does not say so. */
function unreadDockerfile(report: ScanReport): CouldNotScan {
  const error = new ScanError("unread_dockerfile", {
    doing: `looking for misconfigurations in ${imageOf(report)}`,
    next: "Build with BuildKit (docker buildx), or take misconfig out of `scanners`.",
  });
  return couldNotScan(error, report.platform);
}

function nothingSeen(report: ScanReport, image: string, os: string | undefined): CouldNotScan {
  const error = new ScanError("unknown_os", {
    doing: `scanning ${image}`,
    got:
      os === undefined
        ? "neither a known distribution nor any package was found in it"
        : `no package was found in it (${os})`,
    next: "If that is right, for an image of one static program say, allow it with `allow-unknown-os`.",
  });
  return couldNotScan(error, report.platform);
}
