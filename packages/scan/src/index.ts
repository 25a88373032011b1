/** What is known to be wrong with an image, and whether it may go on. */

export { collectReports, databaseFileOf, type ExpectedReport } from "./collect-reports.ts";
export { type Comparison, compareReports } from "./compare-reports.ts";
export { convertReport, REPORT_FORMATS, type ReportFormat } from "./convert-report.ts";
export { type CouldNotScan, couldNotScan, SCAN_OBSTACLES, ScanError, type ScanObstacle } from "./could-not-scan.ts";
export { type Database, trivysOwnDatabase } from "./database-files.ts";
export { DatabaseStore, type DatabaseStoreOptions } from "./database-store.ts";
export { type DownloadTrivyOptions, downloadTrivy } from "./download-trivy.ts";
export { type FindTrivyOptions, findTrivy, TRIVY_SOURCES, type TrivySource } from "./find-trivy.ts";
export * from "./finding.ts";
export { headlineOfScan, originOf, remedyOf, subjectOf } from "./finding-words.ts";
export { applyGate, type GateInput } from "./gate.ts";
export { DEFAULT_POLICY, type GatePolicy } from "./gate-policy.ts";
export type { Decision, Effect, GateResult, IgnoreUse } from "./gate-result.ts";
export { type DecisionGroup, groupDecisions } from "./group-decisions.ts";
export type { IgnoreRule, IgnoreRules } from "./ignore-rule.ts";
export { configScanners, type Scanner } from "./image-arguments.ts";
export { mergeThreats, parseEpss, parseKev, type Threat, type Threats } from "./known-exploits.ts";
export { locateFinding, type SourceFiles, type SourcePlace } from "./locate-finding.ts";
export { maskReport } from "./mask-report.ts";
export { nameReport, type ReportName } from "./name-report.ts";
export { parseReport } from "./parse-report.ts";
export { parseTrivyignore } from "./parse-trivyignore.ts";
export { parseTrivyignoreYaml } from "./parse-trivyignore-yaml.ts";
export { parseVex } from "./parse-vex.ts";
export { type PackageUrl, parsePurl } from "./purl.ts";
export { renderScan } from "./render-scan.ts";
export { ReportCache } from "./report-cache.ts";
export {
  type Dockerfile,
  type DockerfileScan,
  type ScanDockerfilesOptions,
  scanDockerfiles,
} from "./scan-dockerfiles.ts";
export { type ImageScan, type Knowledge, type PlatformScan, type ScanImageOptions, scanImage } from "./scan-image.ts";
export type { DatabaseVersion, ScanCoverage, ScanReport } from "./scan-report.ts";
export { parseScope, type ScanScope, scopeFileOf } from "./scan-scope.ts";
export type { ScanSubject } from "./scan-subject.ts";
export { scanTable } from "./scan-table.ts";
export { isSeverity, SEVERITIES, type Severity } from "./severity.ts";
export { countEffects, summariseScan } from "./summarise-scan.ts";
export { Trivy, type TrivyOptions } from "./trivy.ts";
export { MOST_PLATFORMS, type TrivyActionCall, trivyActionCall, trivyActionScope } from "./trivy-action-call.ts";
export { TRIVY_ACTION_RULES, type TrivyActionRule } from "./trivy-action-rules.ts";
export { type TrivyActionRun, trivyActionRuns } from "./trivy-action-runs.ts";
export { PINNED_TRIVY, type TrivyArchive, type TrivyChoice, trivyArchive } from "./trivy-release.ts";
export { TrivyVersions } from "./trivy-version.ts";
export { imagePurl, type VexStatement } from "./vex-statement.ts";
export { withDockerfile, withDockerfileBefore } from "./with-dockerfile.ts";
export { worstFirst } from "./worst-first.ts";
