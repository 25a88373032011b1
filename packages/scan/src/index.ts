/** What is known to be wrong with an image, and whether it may go on. */

export { type Database, trivysOwnDatabase } from "./database/database-files.ts";
export { DatabaseStore, type DatabaseStoreOptions } from "./database/database-store.ts";
export type { IgnoreRule, IgnoreRules } from "./excuses/ignore-rule.ts";
export { parseTrivyignore } from "./excuses/parse-trivyignore.ts";
export { parseTrivyignoreYaml } from "./excuses/parse-trivyignore-yaml.ts";
export { parseVex } from "./excuses/parse-vex.ts";
export { type PackageUrl, parsePurl } from "./excuses/purl.ts";
export { imagePurl, type VexStatement } from "./excuses/vex-statement.ts";
export { headlineOfScan, originOf, remedyOf, subjectOf } from "./gate/finding-words.ts";
export { applyGate, type GateInput } from "./gate/gate.ts";
export { DEFAULT_POLICY, type GatePolicy } from "./gate/gate-policy.ts";
export type { Decision, Effect, GateResult, IgnoreUse } from "./gate/gate-result.ts";
export { type DecisionGroup, groupDecisions } from "./gate/group-decisions.ts";
export { mergeThreats, parseEpss, parseKev, type Threat, type Threats } from "./gate/known-exploits.ts";
export { worstFirst } from "./gate/worst-first.ts";
export { type Comparison, compareReports } from "./report/compare-reports.ts";
export { convertReport, REPORT_FORMATS, type ReportFormat } from "./report/convert-report.ts";
export * from "./report/finding.ts";
export { maskReport } from "./report/mask-report.ts";
export { nameReport, type ReportName } from "./report/name-report.ts";
export { parseReport } from "./report/parse-report.ts";
export { ReportCache } from "./report/report-cache.ts";
export type { DatabaseVersion, ScanCoverage, ScanReport } from "./report/scan-report.ts";
export { parseScope, type ScanScope, scopeFileOf } from "./report/scan-scope.ts";
export { isSeverity, SEVERITIES, type Severity } from "./report/severity.ts";
export {
  type Dockerfile,
  type DockerfileScan,
  type ScanDockerfilesOptions,
  scanDockerfiles,
} from "./scan/scan-dockerfiles.ts";
export {
  type ImageScan,
  type Knowledge,
  type PlatformScan,
  type ScanImageOptions,
  scanImage,
} from "./scan/scan-image.ts";
export type { ScanSubject } from "./scan/scan-subject.ts";
export { withDockerfile, withDockerfileBefore } from "./scan/with-dockerfile.ts";
export { locateFinding, type SourceFiles, type SourcePlace } from "./summary/locate-finding.ts";
export { renderScan } from "./summary/render-scan.ts";
export { scanTable } from "./summary/scan-table.ts";
export { countEffects, summariseScan } from "./summary/summarise-scan.ts";
export {
  type CouldNotScan,
  couldNotScan,
  SCAN_OBSTACLES,
  ScanError,
  type ScanObstacle,
} from "./trivy/could-not-scan.ts";
export { type DownloadTrivyOptions, downloadTrivy } from "./trivy/download-trivy.ts";
export { type FindTrivyOptions, findTrivy, TRIVY_SOURCES, type TrivySource } from "./trivy/find-trivy.ts";
export { configScanners, type Scanner } from "./trivy/image-arguments.ts";
export { Trivy, type TrivyOptions } from "./trivy/trivy.ts";
export { PINNED_TRIVY, type TrivyArchive, type TrivyChoice, trivyArchive } from "./trivy/trivy-release.ts";
export { TrivyVersions } from "./trivy/trivy-version.ts";
export { collectReports, databaseFileOf, type ExpectedReport } from "./trivy-action/collect-reports.ts";
export {
  MOST_PLATFORMS,
  type TrivyActionCall,
  trivyActionCall,
  trivyActionScope,
} from "./trivy-action/trivy-action-call.ts";
export { TRIVY_ACTION_RULES, type TrivyActionRule } from "./trivy-action/trivy-action-rules.ts";
export { type TrivyActionRun, trivyActionRuns } from "./trivy-action/trivy-action-runs.ts";
