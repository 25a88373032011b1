import { type CauseDetail, explainCause, type InstanceEvidence, oneLine } from "@belay/core";

/** Lines that say most about why a process ended, in the words of common runtimes. */
const TELLING = /error|exception|fatal|panic|cannot|can't|denied|refused|not found|no such|missing|undefined|failed/i;

/** One sentence for people: what most likely went wrong, from the cause and the evidence. Contains outside text. */
export function likelyCause(cause: CauseDetail, evidence: readonly InstanceEvidence[]): string {
  const sentence = explainCause(cause);
  const about = evidence.find((one) => one.instance === cause.instance) ?? byService(cause, evidence) ?? evidence[0];
  const hint = about && hintOf(about);
  return hint === undefined ? `${sentence}.` : `${sentence}. ${hint}`;
}

function byService(cause: CauseDetail, evidence: readonly InstanceEvidence[]): InstanceEvidence | undefined {
  return evidence.find((one) => one.service === cause.service);
}

function hintOf(evidence: InstanceEvidence): string | undefined {
  if (evidence.oomKilled === true) return "It needs more memory than its limit allows.";
  const health = oneLine(evidence.healthOutput ?? "");
  if (health !== "") return `Its health check said: ${health}`;
  const line = evidence.logLines.findLast((one) => TELLING.test(one)) ?? evidence.logLines.at(-1);
  return line === undefined ? undefined : `Its log says: ${oneLine(line)}`;
}
