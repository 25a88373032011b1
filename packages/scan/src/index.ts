/** What is known to be wrong with an image, and whether it may go on. */

export { type Comparison, compareReports } from "./compare-reports.ts";
export { convertReport, REPORT_FORMATS, type ReportFormat } from "./convert-report.ts";
export { type CouldNotScan, SCAN_OBSTACLES, ScanError, type ScanObstacle } from "./could-not-scan.ts";
export { DatabaseStore, type DatabaseStoreOptions } from "./database-store.ts";
export { type DownloadTrivyOptions, downloadTrivy } from "./download-trivy.ts";
export { type FindTrivyOptions, findTrivy, TRIVY_SOURCES, type TrivySource } from "./find-trivy.ts";
export * from "./finding.ts";
export { applyGate, type GateInput } from "./gate.ts";
export { DEFAULT_POLICY, type GatePolicy } from "./gate-policy.ts";
export type { Decision, Effect, GateResult, IgnoreUse } from "./gate-result.ts";
export type { IgnoreRule, IgnoreRules } from "./ignore-rule.ts";
export type { Scanner } from "./image-arguments.ts";
export { mergeThreats, parseEpss, parseKev, type Threat, type Threats } from "./known-exploits.ts";
export { parseReport } from "./parse-report.ts";
export { parseTrivyignore } from "./parse-trivyignore.ts";
export { parseTrivyignoreYaml } from "./parse-trivyignore-yaml.ts";
export { parseVex } from "./parse-vex.ts";
export { type PackageUrl, parsePurl } from "./purl.ts";
export { renderScan } from "./render-scan.ts";
export { type ImageScan, type Knowledge, type PlatformScan, type ScanImageOptions, scanImage } from "./scan-image.ts";
export type { DatabaseVersion, ScanCoverage, ScanReport } from "./scan-report.ts";
export type { ScanSubject } from "./scan-subject.ts";
export { scanTable } from "./scan-table.ts";
export { isSeverity, SEVERITIES, type Severity } from "./severity.ts";
export { Trivy, type TrivyOptions } from "./trivy.ts";
export { PINNED_TRIVY, type TrivyArchive, type TrivyChoice, trivyArchive } from "./trivy-release.ts";
export { imagePurl, type VexStatement } from "./vex-statement.ts";
