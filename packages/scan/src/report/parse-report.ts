import { oneLine, type Platform, platformName } from "@belay/core";
import { dockerfileSteps } from "./dockerfile-steps.ts";
import { FIX_STATUSES, type Finding, type FixStatus, type ImageLayer } from "./finding.ts";
import { layerInstructions } from "./layer-instructions.ts";
import { readChecked } from "./read-checked.ts";
import { REPORT_SCHEMA, type TrivyReport, type TrivyResult } from "./report-schema.ts";
import type { DatabaseVersion, ScanCoverage, ScanReport } from "./scan-report.ts";

/**
 * Reads Trivy's JSON report. Nothing is filtered by severity. `database` is what the caller knows of the database that
 * was used: a report tells it only when a server scanned.
 * @throws ScanError broken_report
 */
export function parseReport(json: string, database?: DatabaseVersion): ScanReport {
  const report = checkReport(json);
  const config = report.Metadata.ImageConfig;
  const platform =
    config?.os && config.architecture
      ? platformName({ os: config.os, architecture: config.architecture, variant: config.variant })
      : undefined;
  const results = report.Results ?? [];
  const instructions = layerInstructions(report);
  const findings = results.flatMap((result) => findingsOf(placed(result, report.ArtifactName), platform));
  return {
    image: report.ArtifactName,
    ...given("imageId", report.Metadata.ImageID),
    ...given("platform", platform),
    ...given("trivyVersion", report.Trivy?.Version),
    ...given("database", database ?? serverDatabase(report)),
    ...given("createdAt", report.CreatedAt),
    coverage: coverageOf(report, results),
    findings: findings.map((finding) => withInstruction(finding, instructions)),
  };
}

/** Under which name of ours what is found in the image's config stands: in the report it is the image's, another one for each image. */
export const IMAGE_CONFIG = "image config";

function placed(result: TrivyResult, image: string): TrivyResult {
  const inConfig = result.Target === image && (result.Class === "config" || result.Class === "secret");
  return inConfig ? { ...result, Target: IMAGE_CONFIG } : result;
}

/** @throws ScanError broken_report */
export function checkReport(json: string): TrivyReport {
  const next = "Belay reads what Trivy writes with `--format json`, schema 2.";
  return readChecked(json, REPORT_SCHEMA, { doing: "reading Trivy's report", next });
}

function serverDatabase(report: TrivyReport): DatabaseVersion | undefined {
  const told = report.Trivy?.Server?.VulnerabilityDB;
  return told === undefined ? undefined : { schema: told.Version, updatedAt: told.UpdatedAt };
}

function coverageOf(report: TrivyReport, results: readonly TrivyResult[]): ScanCoverage {
  const { OS: os } = report.Metadata;
  const libraries = results.filter((result) => result.Class === "lang-pkgs").map((result) => result.Type ?? "unknown");
  return {
    ...(os ? { os: { family: os.Family, name: os.Name, endOfLife: os.EOSL } } : {}),
    osPackages: !UNCHECKED.includes(os?.Family ?? "") && results.some(hasOsPackages),
    ...(ranShell(report) ? { shell: true } : {}),
    libraries: [...new Set(libraries)],
    packages: results.reduce((sum, result) => sum + (result.Packages?.length ?? 0), 0),
    dockerfile: dockerfileOf(report, results),
  };
}

/** Families whose packages Trivy lists, and never checks (trivy, `pkg/detector/ospkg/coreos`). */
const UNCHECKED = ["coreos"];

function hasOsPackages({ Class, Packages, Vulnerabilities }: TrivyResult): boolean {
  return Class === "os-pkgs" && (Packages?.length ?? 0) + (Vulnerabilities?.length ?? 0) > 0;
}

function dockerfileOf(report: TrivyReport, results: readonly TrivyResult[]): ScanCoverage["dockerfile"] {
  const checked = results.some((result) => result.Class === "config" && result.Target === report.ArtifactName);
  if (checked) return "checked";
  return dockerfileSteps(report.Metadata.ImageConfig?.history ?? []).length > 0 ? "unreadable" : "nothing";
}

/** `/bin/sh -c apk add curl`, `RUN |1 A=b /bin/sh -c …`; with `#(nop)` the classic builder says that nothing ran. */
function ranShell({ Metadata }: TrivyReport): boolean {
  const ran = (words: string): boolean =>
    /^(?:RUN |\/bin\/)/.test(words) && /\b(?:a|ba|da)?sh -/.test(words) && !words.includes("#(nop)");
  return Metadata.ImageConfig?.history?.some((one) => ran(one.created_by ?? "")) ?? false;
}

export function findingsOf(result: TrivyResult, platform: Platform | undefined): Finding[] {
  const at = { target: result.Target, ...given("platform", platform) };
  return [
    ...(result.Vulnerabilities ?? []).map((one) => ({ ...vulnerabilityOf(one), ...at })),
    ...(result.Secrets ?? []).map((one) => ({ ...secretOf(one), ...at })),
    ...(result.Misconfigurations ?? [])
      .filter((one) => one.Status === undefined || one.Status === "FAIL")
      .map((one) => ({ ...misconfigurationOf(one), ...at })),
    ...(result.Licenses ?? []).map((one) => ({ ...licenceOf(one), ...at, target: one.FilePath || result.Target })),
  ];
}

type Item<K extends "Vulnerabilities" | "Secrets" | "Misconfigurations" | "Licenses"> = NonNullable<
  TrivyResult[K]
>[number];

function vulnerabilityOf(one: Item<"Vulnerabilities">) {
  const scores = Object.values(one.CVSS ?? {}).flatMap((score) => [score.V3Score ?? 0, score.V40Score ?? 0]);
  const score = Math.max(0, ...scores);
  return {
    kind: "vulnerability" as const,
    severity: one.Severity,
    id: one.VulnerabilityID,
    title: oneLine(one.Title ?? ""),
    package: one.PkgName,
    installed: one.InstalledVersion ?? "",
    ...given("fixed", one.FixedVersion),
    status: statusOf(one.Status, one.FixedVersion),
    ...given("path", one.PkgPath),
    ...given("purl", one.PkgIdentifier?.PURL),
    aliases: one.VendorIDs ?? [],
    ...(score === 0 ? {} : { score }),
    ...given("layer", layerOf(one.Layer)),
    ...given("link", one.PrimaryURL),
  };
}

/** Reports of before Trivy 0.43 have no status. */
function statusOf(status: string | undefined, fixed: string | undefined): FixStatus {
  const known = FIX_STATUSES.find((one) => one === status);
  return known ?? (fixed ? "fixed" : "unknown");
}

function secretOf(one: Item<"Secrets">) {
  return {
    kind: "secret" as const,
    severity: one.Severity,
    id: one.RuleID,
    title: oneLine(one.Title),
    category: one.Category,
    line: one.StartLine,
    ...given("layer", layerOf(one.Layer)),
  };
}

function misconfigurationOf(one: Item<"Misconfigurations">) {
  return {
    kind: "misconfiguration" as const,
    severity: one.Severity,
    id: one.ID,
    title: oneLine(one.Title),
    message: oneLine(one.Message),
    ...given("resolution", one.Resolution),
    ...given("line", one.CauseMetadata?.StartLine),
    ...given("layer", layerOf(one.Layer)),
    ...given("link", one.PrimaryURL),
  };
}

function licenceOf(one: Item<"Licenses">) {
  return {
    kind: "licence" as const,
    severity: one.Severity,
    id: one.Name,
    title: one.Name,
    category: one.Category,
    ...given("package", one.PkgName),
    ...given("link", one.Link),
  };
}

function layerOf(layer: Item<"Vulnerabilities">["Layer"]): ImageLayer | undefined {
  if (layer === undefined) return undefined;
  return {
    ...given("digest", layer.Digest),
    ...given("diffId", layer.DiffID),
    ...given("createdBy", layer.CreatedBy),
  };
}

function withInstruction(finding: Finding, instructions: ReadonlyMap<string, string>): Finding {
  const { layer } = finding;
  if (layer === undefined || layer.createdBy !== undefined) return finding;
  return { ...finding, layer: { ...layer, ...given("createdBy", instructions.get(layer.diffId ?? "")) } };
}

/** A member only when there is a value: Go leaves empty text out, and `undefined` is no value here. */
function given<K extends string, V>(name: K, value: V | undefined): { [name in K]?: V } {
  return value === undefined || value === "" ? {} : ({ [name]: value } as { [name in K]: V });
}
