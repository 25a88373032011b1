import { redactDeep } from "@belay/core";
import type { Api } from "./client.ts";
import { addStatus, type DeploymentEntry, listDeployments, listStatuses, type StatusDraft } from "./deployment-api.ts";
import { finalStatus, readDescription, shortName, writeDescription, writePayload } from "./deployment-facts.ts";
import type { DeploymentStart, GitHubDeployment } from "./github.ts";
import { optional } from "./json-path.ts";
import type { AnyReport } from "./render/report-kind.ts";

/** How many of the job's possible GitHub deployments are looked at. */
const ADOPTION_LOOKS = 10;

/** Finds the GitHub deployment of this run, adopts the one of the job's `environment:`, or makes one. */
export async function obtainDeployment(api: Api, start: DeploymentStart): Promise<GitHubDeployment> {
  const listed = await listDeployments(api, start.environment);
  const existing = findOwn(listed, start) ?? (await findOfJob(api, listed, start));
  if (existing !== undefined) return existing;
  return await api.createOnce(
    async () => findOwn(await listDeployments(api, start.environment), start),
    () => create(api, start),
  );
}

/** Sets `in_progress`. */
export async function markInProgress(api: Api, start: DeploymentStart, id: number): Promise<void> {
  await addStatus(api, id, draftOf(start, "in_progress", beginning(start), start.deployment), api.retries);
}

function beginning({ rollbackTo }: DeploymentStart): string {
  return rollbackTo === undefined ? "Deploying" : `Rolling back to deployment ${rollbackTo}`;
}

/** Sets the state that the outcome stands for. */
export async function markEnded(api: Api, start: DeploymentStart, id: number, report: AnyReport): Promise<void> {
  const { state, words } = finalStatus(report);
  const number = "outcome" in report ? (report.deployment ?? start.deployment) : start.deployment;
  await addStatus(api, id, draftOf(start, state, words, number), api.retries);
}

function draftOf(
  start: DeploymentStart,
  state: StatusDraft["state"],
  words: string,
  number: number | undefined,
): StatusDraft {
  return {
    state,
    description: writeDescription(words, start.application, number),
    logUrl: start.run.url,
    ...optional("environmentUrl", start.url),
  };
}

function findOwn(all: readonly DeploymentEntry[], start: DeploymentStart): GitHubDeployment | undefined {
  const own = all.find(({ payload }) => {
    if (payload?.application !== start.application) return false;
    return payload.runId === start.run.id && payload.attempt === start.run.attempt;
  });
  return own === undefined ? undefined : { id: own.id, adopted: false };
}

/**
 * A job with `environment:` has a GitHub deployment before its first step runs. It carries no payload and no name of the
 * run; but GitHub's own statuses on it link to the job (`…/actions/runs/RUN/job/JOB`), and that is how it is known. Several
 * jobs of the run may have one each (a matrix of applications): one that stands for another application already is not taken.
 */
async function findOfJob(
  api: Api,
  all: readonly DeploymentEntry[],
  start: DeploymentStart,
): Promise<GitHubDeployment | undefined> {
  const shas = [start.commit, start.workflowSha];
  const candidates = all.filter((entry) => entry.payload === undefined && shas.includes(entry.sha));
  let free: GitHubDeployment | undefined;
  for (const entry of candidates.slice(0, ADOPTION_LOOKS)) {
    const statuses = await listStatuses(api, entry.id);
    const ofThisRun = statuses.some((status) => isOfRun(status.logUrl, start.run.id));
    const ended = statuses[0]?.state === "inactive";
    if (!ofThisRun || ended) continue;
    const found = { id: entry.id, adopted: true };
    const application = applicationIn(statuses);
    if (application === shortName(start.application)) return found;
    if (application === undefined) free ??= found;
  }
  return free;
}

/** Which application Belay's own statuses name. */
function applicationIn(statuses: Awaited<ReturnType<typeof listStatuses>>): string | undefined {
  return statuses.map(({ description }) => readDescription(description)).find((facts) => facts !== undefined)
    ?.application;
}

function isOfRun(address: string, run: string): boolean {
  return /\/actions\/runs\/(\d+)(?:[/?#]|$)/.exec(address)?.[1] === run;
}

async function create(api: Api, start: DeploymentStart): Promise<GitHubDeployment> {
  const number = start.deployment === undefined ? "" : ` deployment ${start.deployment}`;
  const { data } = await api.octokit.rest.repos.createDeployment({
    ...api.repo,
    ref: start.commit,
    environment: start.environment,
    description: `${shortName(start.application)}${number}`,
    auto_merge: false,
    required_contexts: [],
    transient_environment: start.transient ?? false,
    production_environment: start.production ?? /^prod(uction)?$/i.test(start.environment),
    payload: redactDeep(writePayload(start), api),
  });
  // 202 without an id is the answer to `auto_merge: true`, which is never asked for.
  if (!("id" in data)) throw new Error(`GitHub made no deployment: ${data.message ?? "no message"}`);
  return { id: data.id, adopted: false };
}

/** How many older GitHub deployments are looked at, and how many settled ones in a row end the search. */
const SETTLE_LOOKS = 20;
const SETTLED_IN_A_ROW = 5;

/**
 * Makes older GitHub deployments of the application and environment `inactive`: those that succeeded when `succeeded`
 * (something newer runs now), and those that a dead run left in progress in any case.
 */
export async function settleOlder(api: Api, start: DeploymentStart, id: number, succeeded: boolean): Promise<void> {
  const older = (await listDeployments(api, start.environment)).filter((entry) => entry.id < id);
  let settled = 0;
  for (const entry of older.slice(0, SETTLE_LOOKS)) {
    if (entry.payload !== undefined && entry.payload.application !== start.application) continue;
    settled = (await settle(api, start, entry, succeeded)) ? settled + 1 : 0;
    if (settled >= SETTLED_IN_A_ROW) return;
  }
}

/** True when the deployment had ended before. */
async function settle(api: Api, start: DeploymentStart, entry: DeploymentEntry, succeeded: boolean): Promise<boolean> {
  const statuses = await listStatuses(api, entry.id);
  const words = statuses.map((status) => readDescription(status.description)).find((facts) => facts !== undefined);
  if (entry.payload === undefined && words?.application !== shortName(start.application)) return false;
  const state = statuses[0]?.state ?? "pending";
  if (state === "inactive" || state === "failure" || state === "error") return true;
  const pending = state !== "success";
  if (pending ? !succeeded && (await isAlive(api, start, entry)) : !succeeded) return false;
  const number = entry.payload?.deployment ?? words?.deployment;
  const said = pending ? "Ended without a result" : "Replaced by a newer deployment";
  const logUrl = statuses[0]?.logUrl || start.run.url;
  const description = writeDescription(said, start.application, number);
  await addStatus(api, entry.id, { state: "inactive", description, logUrl }, api.retries);
  return false;
}

/** Whether the run that made it may still go on. Without `actions: read` nobody can tell, and it is left alone. */
async function isAlive(api: Api, start: DeploymentStart, entry: DeploymentEntry): Promise<boolean> {
  const run = entry.payload?.runId ?? "";
  if (!/^\d+$/.test(run)) return true;
  if (run === start.run.id) return (entry.payload?.attempt ?? 1) >= start.run.attempt;
  try {
    const { data } = await api.octokit.rest.actions.getWorkflowRun({ ...api.repo, run_id: Number(run) });
    return data.status !== "completed";
  } catch {
    return true; // not allowed to look, or not there: better left than ended wrongly
  }
}
