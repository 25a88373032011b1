/** Why an outcome is what it is. One sentence each, for a person who reads it on a pull request. */
export const CAUSES = {
  crash_loop: "a container crashed again and again after it started",
  exited: "a container ended although it should keep running, or failed at what it runs once for",
  oom_killed: "a container was killed for using more memory than its limit",
  unhealthy: "a container's health check failed",
  readiness_lost: "an instance was ready and then stopped being ready",
  startup_killed: "an instance did not start within its start-up probe and was killed",
  image_unavailable: "the engine could not get the image",
  config_missing: "a config, secret, volume or network that the service needs does not exist",
  unschedulable: "no node can take the instance",
  quota: "a quota or an admission rule forbids the instance",
  start_failed: "the engine could not start the container",
  start_timeout: "no instance became ready within the start time",
  probe_failed: "a health probe failed",
  engine_paused: "the update was paused on the engine",
  engine_rolled_back: "the update was rolled back on the engine",
  instance_missing: "instances that should run do not exist",
  cancelled: "the run was cancelled",
  timed_out: "the deadline passed before the release was proven",
  engine_unreachable: "the engine stopped answering",
  preflight: "a check before the first change said no",
  locked: "another deployment holds this environment",
  older_release: "a newer release already runs",
  superseded: "another run asked for the environment",
  fenced: "another run took this deployment over",
  drifted: "something else changed what runs",
  recovered: "the run that began this deployment died and another one put the target right",
  internal: "Belay itself failed",
} as const;

export type Cause = keyof typeof CAUSES;

/** A cause with the place and the words that came back from the engine. */
export interface CauseDetail {
  readonly cause: Cause;
  readonly service?: string;
  /** Instance as the engine names it. */
  readonly instance?: string;
  /** What was seen, in the engine's own words where there are some. Outside text: escape it where it is shown. */
  readonly detail?: string;
}

/** `crash_loop in web (exit code 1)`: the short form that headlines and logs use. */
export function describeCause(cause: CauseDetail): string {
  const where = cause.service === undefined ? "" : ` in ${cause.service}`;
  const what = cause.detail === undefined || cause.detail === "" ? "" : ` (${cause.detail})`;
  return `${cause.cause}${where}${what}`;
}

/** A whole sentence for people: what the cause means and where it was seen. */
export function explainCause(cause: CauseDetail): string {
  const where = cause.service === undefined ? "" : `${cause.service}: `;
  const what = cause.detail === undefined || cause.detail === "" ? "" : `: ${cause.detail}`;
  return `${where}${CAUSES[cause.cause]}${what}`;
}
