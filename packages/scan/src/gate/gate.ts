import { EXIT_CODES } from "@belay/core";
import type { IgnoreRules } from "../excuses/ignore-rule.ts";
import type { PackageUrl } from "../excuses/purl.ts";
import type { VexStatement } from "../excuses/vex-statement.ts";
import { type Comparison, compareReports } from "../report/compare-reports.ts";
import { type Finding, findingKey } from "../report/finding.ts";
import type { DatabaseVersion, ScanReport } from "../report/scan-report.ts";
import type { CouldNotScan } from "../trivy/could-not-scan.ts";
import { dayOf, type Excuse, type Excuses, excuseFinding, listUses } from "./excuse-finding.ts";
import type { GatePolicy } from "./gate-policy.ts";
import type { Decision, GateResult } from "./gate-result.ts";
import type { Threat, Threats } from "./known-exploits.ts";
import { lookAtCoverage } from "./look-at-coverage.ts";
import { worstFirst } from "./worst-first.ts";

export interface GateInput {
  readonly policy: GatePolicy;
  /** One per platform that was scanned. */
  readonly reports: readonly ScanReport[];
  /** One per platform that could not be scanned. */
  readonly obstacles?: readonly CouldNotScan[];
  readonly ignores?: IgnoreRules;
  readonly statements?: readonly VexStatement[];
  /** Names of the scanned image, for VEX statements about images ({@link imagePurl}). */
  readonly images?: readonly PackageUrl[];
  readonly threats?: Threats;
  /** Scans of the image that runs, with the same database. None: nothing runs yet, and everything is new. */
  readonly baseline?: readonly ScanReport[];
  readonly now: Date;
}

/**
 * Decides whether an image may go on. Pure. Each finding gets a decision with its reason; what could not be scanned is
 * never taken for clean.
 */
export function applyGate(input: GateInput): GateResult {
  const { policy, reports, baseline } = input;
  const coverage = reports.map((report) => lookAtCoverage(report, policy));
  const obstacles = [...(input.obstacles ?? []), ...coverage.flatMap((seen) => seen.obstacle ?? [])];
  const compared = baseline === undefined ? undefined : compareReports(reports, baseline);
  const excuses: Excuses = {
    policy,
    rules: input.ignores?.rules ?? [],
    statements: input.statements ?? [],
    images: input.images ?? [],
    now: input.now,
  };
  const excused = reports
    .flatMap((report) => report.findings)
    .map((finding) => [finding, excuseFinding(finding, excuses)] as const);
  const running = compareKeys(compared);
  const decisions = excused.map(([finding, excuse]) => decide(finding, excuse, input, running)).sort(worstFirst);
  return {
    ...resultOf(decisions, reports, obstacles),
    decisions,
    ignores: listUses(excuses, excused),
    obstacles,
    ...(compared === undefined
      ? {}
      : { comparison: typeof compared === "string" ? { impossible: compared } : compared }),
    ...databasesOf(reports, input.now),
    ...scannersOf(reports),
    partial: coverage.some((seen) => seen.partial),
    notes: [
      ...(input.ignores?.mistakes ?? []),
      ...coverage.flatMap((seen) => seen.notes),
      ...(typeof compared === "string" && policy.onlyNew ? [`Everything counts as new: ${compared}.`] : []),
    ],
  };
}

/** Keys of findings. None of either when the image that runs can't be compared. */
interface Running {
  /** It has them too. */
  readonly known: ReadonlySet<string>;
  /** It has fewer of them in the same file. */
  readonly fewer: ReadonlyMap<string, readonly Finding[]>;
}

function compareKeys(compared: Comparison | string | undefined): Running {
  const { unchanged = [], grown = [] } = typeof compared === "object" ? compared : {};
  return { known: new Set(unchanged.map(findingKey)), fewer: Map.groupBy(grown, findingKey) };
}

function resultOf(
  decisions: readonly Decision[],
  reports: readonly ScanReport[],
  obstacles: readonly CouldNotScan[],
): Pick<GateResult, "result" | "exitCode"> {
  if (decisions.some((decision) => decision.effect === "fails")) {
    return { result: "vulnerable", exitCode: EXIT_CODES.vulnerabilities_found };
  }
  if (obstacles.length > 0 || reports.length === 0) {
    return { result: "could_not_scan", exitCode: EXIT_CODES.scan_could_not_run };
  }
  return { result: "passed", exitCode: 0 };
}

function decide(finding: Finding, excuse: Excuse, input: GateInput, { known, fewer }: Running): Decision {
  const threat = input.threats?.get(finding.id);
  const base = { finding, ...(threat === undefined ? {} : { threat }) };
  if (excuse.because !== undefined) return { ...base, effect: "ignored", because: excuse.because };
  const reason = reasonToFail(finding, threat, input.policy);
  if (reason === undefined) {
    const { failOn } = input.policy;
    const because = `only ${failOn.length === 0 ? "nothing" : failOn.join(", ")} fails`;
    return { ...base, effect: "reported", because };
  }
  const { onlyNew } = input.policy;
  // Somebody wrote the day on which an ignored finding stops the release again. What was ignored runs, so it always is known.
  if (onlyNew && excuse.expired === undefined && known.has(findingKey(finding))) {
    return { ...base, effect: "known", because: `${reason}, but the image that runs has it too` };
  }
  const grown = onlyNew ? grownOf(fewer.get(findingKey(finding))) : "";
  return { ...base, effect: "fails", because: `${reason}${grown}${expiryOf(excuse)}` };
}

/** Which of them is new nobody can tell: lines move. So all of them are named. */
function grownOf(all: readonly Finding[] = []): string {
  if (all.length === 0) return "";
  const lines = [...new Set(all.flatMap((one) => ("line" in one && one.line ? [one.line] : [])))];
  const where = lines.length === 0 ? "" : ` (lines ${lines.sort((a, b) => a - b).join(", ")})`;
  return `, and the image that runs has fewer of them in this file${where}`;
}

function reasonToFail(finding: Finding, threat: Threat | undefined, policy: GatePolicy): string | undefined {
  if (!policy.kinds.includes(finding.kind)) return undefined;
  if (policy.failOnExploited && threat?.exploitedSince !== undefined) {
    return `it is ${finding.severity}, and known to be exploited (CISA, ${threat.exploitedSince})`;
  }
  if (policy.failOn.includes(finding.severity)) return `it is ${finding.severity}`;
  const { failOnProbability: limit } = policy;
  const probability = threat?.probability;
  if (limit === undefined || probability === undefined || probability < limit) return undefined;
  return `it is ${finding.severity}, and exploited with a probability of ${probability} (EPSS; ${limit} fails)`;
}

function expiryOf({ expired }: Excuse): string {
  if (expired?.expiresAt === undefined) return "";
  return ` (${expired.origin} ignored it until ${dayOf(expired.expiresAt)})`;
}

/** What all of them looked for. */
function scannersOf(reports: readonly ScanReport[]): Pick<GateResult, "scanners"> {
  const [first, ...others] = reports.map(({ scope }) => scope);
  if (first === undefined || others.includes(undefined)) return {};
  return { scanners: first.scanners.filter((one) => others.every((scope) => scope?.scanners.includes(one))) };
}

function databasesOf(reports: readonly ScanReport[], now: Date): Pick<GateResult, "database" | "javaDatabase"> {
  const oldest = (all: readonly DatabaseVersion[]) => {
    const [first] = [...all].sort((a, b) => Date.parse(a.updatedAt) - Date.parse(b.updatedAt));
    return first && { ...first, ageMs: Math.max(0, now.getTime() - Date.parse(first.updatedAt)) };
  };
  const database = oldest(reports.flatMap((report) => report.database ?? []));
  const javaDatabase = oldest(reports.flatMap((report) => report.javaDatabase ?? []));
  return { ...(database && { database }), ...(javaDatabase && { javaDatabase }) };
}
