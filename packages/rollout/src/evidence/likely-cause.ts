import { type Cause, type CauseDetail, type InstanceEvidence, oneLine } from "@belay/core";

/** Lines that say most about why a process ended, in the words of common runtimes. */
const TELLING = /error|exception|fatal|panic|cannot|can't|denied|refused|not found|no such|missing|undefined|failed/i;
/** Here the process itself ended, and what it wrote last says more than what a health check found then. */
const ENDED: readonly Cause[] = ["crash_loop", "exited", "start_failed"];

/**
 * One sentence for people: what the evidence adds to the cause. `undefined` when it adds nothing. Contains outside text,
 * and ends with a full stop where it does not end with the outside text itself.
 */
export function likelyCause(cause: CauseDetail, evidence: readonly InstanceEvidence[]): string | undefined {
  const about = evidence.find((one) => one.instance === cause.instance) ?? byService(cause, evidence);
  if (about === undefined) return undefined;
  if (about.oomKilled === true) return `${about.instance} needs more memory than its limit allows.`;
  const sentences = [healthSentence(about), logSentence(about)];
  return (isInLog(cause, about) ? sentences.toReversed() : sentences).find((one) => one !== undefined);
}

/** Whoever was killed for its start-up probe may have said why it does not come up; if not, the probe's answer says more. */
function isInLog({ cause }: CauseDetail, { logLines }: InstanceEvidence): boolean {
  return ENDED.includes(cause) || (cause === "startup_killed" && logLines.some((line) => TELLING.test(line)));
}

/** What another service said is no cause of this one's failure. */
function byService({ service }: CauseDetail, evidence: readonly InstanceEvidence[]): InstanceEvidence | undefined {
  return service === undefined ? evidence[0] : evidence.find((one) => one.service === service);
}

function healthSentence({ instance, healthOutput }: InstanceEvidence): string | undefined {
  const health = oneLine(healthOutput ?? "");
  return health === "" ? undefined : `the health check of ${instance} said: ${health}`;
}

function logSentence({ instance, logLines }: InstanceEvidence): string | undefined {
  const line = logLines.findLast((one) => TELLING.test(one)) ?? logLines.at(-1);
  return line === undefined ? undefined : `the log of ${instance} says: ${oneLine(line)}`;
}
