import { oneLine } from "@belay/core";
import type { ScanReport } from "../report/scan-report.ts";
import { type CouldNotScan, couldNotScan, ScanError } from "../trivy/could-not-scan.ts";
import type { GatePolicy } from "./gate-policy.ts";
import { lookAtScope } from "./look-at-scope.ts";

export interface Coverage {
  readonly obstacle?: CouldNotScan;
  readonly notes: readonly string[];
  /** Only a part was looked at, which is allowed. */
  readonly partial: boolean;
}

/** What a report could not see, which without a word would look like "nothing is wrong". */
export function lookAtCoverage(report: ScanReport, policy: GatePolicy): Coverage {
  const image = imageOf(report);
  const left = lookAtScope(report, policy);
  const unread = isUnread(report, policy);
  if ((left.length > 0 || unread) && !policy.allowPartial) {
    const obstacle = left.length > 0 ? notWhole(report, image, left) : unreadDockerfile(report, image);
    return { obstacle, notes: [], partial: false };
  }
  const unseen = [...left, ...(unread ? ["nobody could read what its Dockerfile did"] : [])];
  const blind = report.scope?.scanners.includes("vuln") === false || !policy.kinds.includes("vulnerability");
  const seen = blind ? { notes: [] } : lookAtPackages(report, policy, image);
  const fileOnly = report.coverage.dockerfile === "file" && policy.scanners.includes("misconfig");
  const told = [...unseen, ...(fileOnly ? [FILE_ONLY] : [])].map((words) => `${image}: ${words}.`);
  return { ...seen, notes: [...told, ...seen.notes], partial: unseen.length > 0 };
}

/** The history tells of the last stage what a look at all stages together leaves out, such as its user. */
const FILE_ONLY = "its Dockerfile was looked at, and not what its history tells, which Trivy can't parse";

function notWhole({ platform }: ScanReport, image: string, unseen: readonly string[]): CouldNotScan {
  const error = new ScanError("partial_scan", {
    doing: `scanning ${image}`,
    got: unseen.join("; "),
    next: "Look for all that `scanners` names, and for vulnerabilities; or allow it with `allow-partial`, which the release tells. A report by others needs a file beside it that says what they looked for (docs/scan.md).",
  });
  return couldNotScan(error, platform);
}

function lookAtPackages(report: ScanReport, policy: GatePolicy, image: string): Omit<Coverage, "partial"> {
  const { os, osPackages, libraries, packages } = report.coverage;
  const name = os === undefined ? undefined : oneLine(`${os.family} ${os.name}`);
  const endOfLife = os?.endOfLife ? [`${image}: ${name} is at its end of life, and gets no security fixes.`] : [];
  const checked = packages > 0 || report.findings.some((finding) => finding.kind === "vulnerability");
  const wanted = report.scope?.packages?.includes("os") ?? true;
  if (osPackages || (checked && !wanted)) return { notes: endOfLife };
  const found = libraries.length === 0 ? "no package at all" : `only ${libraries.join(", ")}`;
  const got = `${found} was checked, because ${whyNoPackages(report)}`;
  const refused = !checked || isUnknown(report.coverage);
  if (refused && !policy.allowUnknownOs) return { obstacle: nothingKnown(report, image, got), notes: endOfLife };
  return { notes: [...endOfLife, `${image}: ${got}.`] };
}

function imageOf({ image, platform }: ScanReport): string {
  return platform === undefined ? oneLine(image) : `${oneLine(image)} (${platform})`;
}

/**
 * Seen: a label with a space in it, in an image of the classic builder, and a here-document in one of BuildKit. Trivy then
 * finds nothing, and does not say so.
 */
function isUnread({ scope, coverage }: ScanReport, { scanners }: GatePolicy): boolean {
  const looked = scope?.scanners.includes("misconfig") ?? true;
  return looked && scanners.includes("misconfig") && coverage.dockerfile === "unreadable";
}

function unreadDockerfile({ platform }: ScanReport, image: string): CouldNotScan {
  const error = new ScanError("unread_dockerfile", {
    doing: `looking for misconfigurations in ${image}`,
    got: "Trivy tells nothing of its Dockerfile: it could not parse the image's history, mostly for a here-document (RUN <<EOF) in it, or a label of several words by the classic builder",
    next: "Scan where the Dockerfile is checked out. Or allow it with `allow-partial`, which the release tells; write that step without one; or take misconfig out of `scanners`. A report by others has to be made with `--image-config-scanners misconfig`.",
  });
  return couldNotScan(error, platform);
}

/** Families that Trivy itself gives to images without packages of a distribution (trivy, `HasOSPackages`, `service.go`). */
const WITHOUT_PACKAGES = ["none", "activestate"];

/** It has a distribution, of whose packages nothing is known. One program or one library on nothing else has none. */
function isUnknown({ os, shell }: ScanReport["coverage"]): boolean {
  return os === undefined || WITHOUT_PACKAGES.includes(os.family) ? shell === true : true;
}

function whyNoPackages({ coverage: { os, shell } }: ScanReport): string {
  if (os !== undefined && !WITHOUT_PACKAGES.includes(os.family)) {
    return `Trivy found no packages of ${oneLine(`${os.family} ${os.name}`)}, or knows no advisories for it`;
  }
  return `no known distribution was found${shell === true ? ", though a shell ran in it when it was built" : ""}`;
}

function nothingKnown({ platform }: ScanReport, image: string, got: string): CouldNotScan {
  const next =
    "If that is right, for one static program say, or on busybox, which has no packages and whose shell a RUN takes, allow it with `allow-unknown-os`.";
  return couldNotScan(new ScanError("unknown_os", { doing: `scanning ${image}`, got, next }), platform);
}
