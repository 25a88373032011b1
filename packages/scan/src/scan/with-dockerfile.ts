import { oneLine } from "@belay/core";
import type { Finding, Misconfiguration } from "../report/finding.ts";
import { checkReport, findingsOf, IMAGE_CONFIG } from "../report/parse-report.ts";
import type { ScanReport } from "../report/scan-report.ts";
import type { DockerfileScan } from "./scan-dockerfiles.ts";
import type { PlatformScan } from "./scan-image.ts";

/**
 * The scan of an image with what was found in the Dockerfile that it was built from. The file has every stage and the true lines;
 * the image's history tells what became of the last one, such as that it is left to root where an earlier stage is not. What
 * both tell counts once, where the file has it. Secrets in the image's config stay: the image gives them away wherever they come from.
 */
export function withDockerfile(scan: PlatformScan, dockerfile: DockerfileScan): PlatformScan {
  return { ...scan, report: reportWith(scan.report, dockerfile), json: jsonWith(scan.json, dockerfile) };
}

/**
 * The scan of the image that runs, to compare one with its Dockerfile (`now`) to. `before`: the Dockerfile of what runs. Where nobody
 * has that, or Trivy can't parse it, what the history told of the same thing stands for it. Where Trivy can't parse the one of now, only
 * its image's history tells what is wrong, and that is compared with the history of what runs.
 */
export function withDockerfileBefore(
  report: ScanReport,
  now: DockerfileScan,
  before: DockerfileScan | undefined,
): ScanReport {
  if (before?.checked === true) return reportWith(report, now.checked ? before : secretsOf(before));
  const known = before === undefined ? report : reportWith(report, before);
  const told = toldIn(findingsIn(now));
  const findings = known.findings.map((one): Finding => (isTold(one, told) ? { ...one, target: now.path } : one));
  return { ...known, findings };
}

/** As where no misconfigurations were looked for. */
function secretsOf({ path, json }: DockerfileScan): DockerfileScan {
  const { Results, ...report } = JSON.parse(json) as Report;
  const others = Results?.filter((result) => result.Class !== "config");
  return { path, json: JSON.stringify({ ...report, Results: others }), checked: false };
}

function reportWith(report: ScanReport, dockerfile: DockerfileScan): ScanReport {
  const { coverage, findings, platform } = report;
  const found = findingsIn(dockerfile, platform);
  const told = toldIn(found);
  const only = dockerfile.checked && coverage.dockerfile === "unreadable";
  return {
    ...report,
    coverage: only ? { ...coverage, dockerfile: "file" } : coverage,
    // First, so that of what is in a copy inside the image too the file is shown.
    findings: [...found, ...findings.filter((finding) => !isTold(finding, told))],
  };
}

function findingsIn({ json, path }: DockerfileScan, platform?: ScanReport["platform"]): readonly Finding[] {
  const results = checkReport(json).Results ?? [];
  return results
    .flatMap((result) => findingsOf(result, platform))
    .map((finding): Finding => ({ ...finding, target: path, inRepository: true }));
}

/** What is wrong, in Trivy's words, which tell a variable or a command too. */
function toldIn(findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(findings.flatMap((one) => (one.kind === "misconfiguration" ? [wordsOf(one)] : [])));
}

function isTold(finding: Finding, told: ReadonlySet<string>): boolean {
  return finding.kind === "misconfiguration" && finding.target === IMAGE_CONFIG && told.has(wordsOf(finding));
}

function wordsOf({ id, message }: Pick<Misconfiguration, "id" | "message">): string {
  return `${id} ${message.replace(/\s+/g, " ").trim()}`;
}

interface Result {
  readonly Target: string;
  readonly Class?: string;
  readonly Misconfigurations?: readonly { readonly ID: string; readonly Message?: string }[] | null;
}

interface Report {
  readonly ArtifactName: string;
  readonly Results?: readonly Result[] | null;
}

/** As Trivy writes it, with two spaces. */
function jsonWith(json: string, dockerfile: DockerfileScan): string {
  const { Results: found } = JSON.parse(dockerfile.json) as Report;
  // A report has megabytes, and of most Dockerfiles there is nothing to tell where secrets alone are looked for.
  if ((found ?? []).length === 0) return json;
  const report = JSON.parse(json) as Report;
  const told = toldIn(findingsIn(dockerfile));
  const results = report.Results?.map((result): Result => {
    const { Target, Class, Misconfigurations: all } = result;
    if (Class !== "config" || Target !== report.ArtifactName || !all) return result;
    return {
      ...result,
      Misconfigurations: all.filter((one) => !told.has(wordsOf({ id: one.ID, message: oneLine(one.Message ?? "") }))),
    };
  });
  return `${JSON.stringify({ ...report, Results: [...(results ?? []), ...(found ?? [])] }, undefined, 2)}\n`;
}
