import {
  CAUSES,
  type DeploymentReport,
  type DeploymentState,
  type ExitReason,
  type FailureReport,
  formatDuration,
  headlineOf,
  NOTHING_PROVEN,
  type Outcome,
  STILL_THERE,
} from "@belay/core";
import { describeSource } from "./describe-source.ts";
import { code, prose } from "./markdown.ts";
import { provenBack, provenForward, provenUnchanged } from "./proven-words.ts";
import { type AnyReport, isDeploymentReport } from "./report-kind.ts";

/** One coloured dot per state: it reads the same in GitHub's light and dark themes, and the words beside it say all. */
const OUTCOME_MARKS = {
  succeeded: "🟢",
  unchanged: "🟢",
  refused: "⚪",
  rolled_back: "🟠",
  rollback_failed: "🔴",
  superseded: "⚪",
  cancelled: "⚪",
  timed_out: "🔴",
  unverified: "🟡",
  failed: "🔴",
} as const satisfies Record<Outcome, string>;

const STATE_MARKS = {
  success: "🟢",
  failure: "🔴",
  error: "🔴",
  inactive: "⚪",
  in_progress: "🔵",
  queued: "🔵",
  pending: "🔵",
} as const satisfies Record<DeploymentState, string>;

const REASON_TITLES = {
  internal_error: "Belay itself failed",
  invalid_input: "Refused: the input or configuration is not right",
  vulnerabilities_found: "Vulnerabilities found",
  scan_could_not_run: "The scan could not run",
  drift_found: "Drift found",
  build_failed: "Build failed",
  tests_failed: "Tests failed",
  push_failed: "Push failed",
  verify_failed: "Verification failed",
} as const satisfies Record<ExitReason, string>;

/** Dot of a table row: the outcome's where it is known, else the GitHub deployment state's. */
export function markOf(state: DeploymentState, outcome?: Outcome): string {
  return outcome === undefined ? STATE_MARKS[state] : OUTCOME_MARKS[outcome];
}

/** The first line of a comment or summary, as a Markdown heading. It is never cut away. */
export function renderHeadline(report: AnyReport): string {
  if (!isDeploymentReport(report)) {
    const where = report.environment === undefined ? "" : ` → ${prose(report.environment)}`;
    return `### 🔴 ${prose(report.application)}${where}: ${REASON_TITLES[report.reason]}`;
  }
  const where = `${prose(report.application)} → ${prose(report.environment)}`;
  return `### ${OUTCOME_MARKS[report.outcome]} ${where}: ${headlineOf(report)}`;
}

/** What a {@link FailureReport} is called in one line of plain text. */
export function titleOfFailure(report: FailureReport): string {
  return REASON_TITLES[report.reason];
}

/** What became of the target, in words: which deployment, how long it took, what serves now. */
export function renderLead(report: DeploymentReport): string {
  const subject = report.deployment === undefined ? "This release" : `Deployment ${report.deployment}`;
  return `${subject} ${LEADS[report.outcome](report)}`;
}

const LEADS: Record<Outcome, (report: DeploymentReport) => string> = {
  succeeded: provenForward,
  unchanged: provenUnchanged,
  refused: () => "was refused by a check before the first change. Nothing was touched.",
  rolled_back: (report) => `was taken off again${within(report)}. ${provenBack(report, backTo(report))}`,
  rollback_failed: () => "failed, **and the way back failed too. A person has to look at this now.**",
  superseded: (report) =>
    report.supersededBy !== undefined && report.running.length > 0
      ? `gave way before it was proven, which says nothing against it. ${provenBack(report, backTo(report))}${stillThere(report)}`
      : "gave way to another deployment and changes nothing any more.",
  cancelled: () => "was cancelled before the first change. Nothing was touched.",
  timed_out: () => "could not be proven healthy or broken in time. What runs now is below, as far as the target said.",
  unverified: (report) => {
    if (!foundNothingProven(report)) return "runs, but Belay could not prove that it is healthy.";
    const still = stillThere(report);
    const off = still === "" ? "was taken off again" : "was to be taken off again, and not all of it is off";
    return `${off}. What ran before was put back, and was not right before either: no release has been proven here yet.${still}`;
  },
  failed: (report) => {
    if (foundNothingProven(report))
      return "failed and was left in place: no release has been proven here yet, so there is nothing better to go back to.";
    return report.previous === undefined
      ? "failed. It is the first deployment here, so there is nothing to go back to; it was left in place."
      : "failed and was left in place, because going back is switched off here.";
  },
};

function foundNothingProven({ findings }: DeploymentReport): boolean {
  return findings.some(({ check }) => check === NOTHING_PROVEN);
}

/** What the engine keeps of a release that should be off. */
function stillThere({ findings }: DeploymentReport): string {
  const still = findings.filter(({ check }) => check === STILL_THERE);
  return still.map(({ message }) => ` **It is ${prose(message.slice(0, 500))}.**`).join("");
}

/** Who asked for a rollback, to what and why. Nothing for a release. */
export function renderRollback({ rollback, release }: DeploymentReport): string {
  if (rollback === undefined) return "";
  const by = rollback.by === undefined ? "" : `, asked for by ${prose(rollback.by.slice(0, 100))}`;
  const reason = rollback.reason === undefined ? "" : `: ${prose(rollback.reason.slice(0, 500))}`;
  const commit = code(release.source.revision.slice(0, 12));
  return `**Rollback by hand** to deployment ${rollback.to} (commit ${commit})${by}${reason}`;
}

function within(report: DeploymentReport): string {
  return report.restoreMs === undefined ? "" : `, ${formatDuration(report.restoreMs)} after it was found bad`;
}

function backTo(report: DeploymentReport): string {
  const { previous } = report;
  const commit = previous?.source === undefined ? "" : ` (commit ${code(previous.source.revision.slice(0, 12))})`;
  if (previous?.deployment !== undefined) return `Deployment ${previous.deployment}${commit}`;
  return `What ran before${commit}`;
}

/** Why, in one sentence for people, with the engine's own words; and the likely cause from the evidence. */
export function renderCause(report: DeploymentReport): string {
  if (report.cause === undefined) return "";
  if (report.cause.cause === "superseded" && report.supersededBy !== undefined) return renderSuccessor(report);
  const { cause, service, detail } = report.cause;
  const where = service === undefined ? "" : ` in ${code(service)}`;
  const words = detail === undefined || detail === "" ? "" : `: ${prose(detail.slice(0, 500))}`;
  const likely = report.likelyCause === undefined ? "" : `\n\n**Likely:** ${prose(report.likelyCause.slice(0, 1_000))}`;
  return `**Cause:** ${code(cause)}${where}, ${CAUSES[cause]}${words}.${likely}`.replace(/\.\.(?=\n|$)/, ".");
}

/** What a superseded release gave way to: where its reader looks next. */
function renderSuccessor({ supersededBy }: DeploymentReport): string {
  if (supersededBy === undefined) return "";
  const { run, source, rollback } = supersededBy;
  if (rollback === undefined) return `**Superseded by** ${describeSource(source)} · run ${code(run)}`;
  const by = rollback.by === undefined ? "" : `, asked for by ${prose(rollback.by.slice(0, 100))}`;
  return `**Superseded by** a rollback to deployment ${rollback.to} (${describeSource(source)})${by} · run ${code(run)}`;
}
