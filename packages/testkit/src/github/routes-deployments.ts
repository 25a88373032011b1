import { type Answer, type Call, created, found, invalid, ok, Refusal, type Route, textOf } from "./answer.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { CommitSeed, GitHubState, SimDeployment, SimStatus } from "./state.ts";
import { viewDeployment, viewStatus } from "./views.ts";

/** GitHub deployments and their statuses, with the defaults that surprise people. */
export const DEPLOYMENT_ROUTES: Readonly<Record<string, Route>> = {
  "repos/list-deployments": (call) => {
    const wanted = (key: string): string | undefined => call.query.get(key) ?? undefined;
    const matches = (one: SimDeployment): boolean =>
      (["sha", "ref", "task", "environment"] as const).every(
        (key) => wanted(key) === undefined || wanted(key) === one[key],
      );
    const all = [...call.state.deployments.values()].filter(matches).sort((a, b) => b.id - a.id);
    return { list: all.map((one) => viewDeployment(call, one)) };
  },
  "repos/create-deployment": createDeployment,
  "repos/get-deployment": (call) => ok(viewDeployment(call, deploymentOf(call))),
  "repos/delete-deployment": deleteDeployment,
  "repos/list-deployment-statuses": (call) => {
    const deployment = deploymentOf(call);
    return { list: [...deployment.statuses].reverse().map((status) => viewStatus(call, deployment, status)) };
  },
  "repos/create-deployment-status": (call) => {
    const deployment = deploymentOf(call);
    const status = addStatus(call.state, deployment, readStatus(call, deployment));
    if (status.state === "success" && call.body.auto_inactive !== false) endEarlier(call.state, deployment, call.login);
    return created(viewStatus(call, deployment, status));
  },
};

function deploymentOf(call: Call): SimDeployment {
  return found(call.state.deployments.get(Number(call.parameters.deployment_id)));
}

function createDeployment(call: Call): Answer {
  const { state, body } = call;
  const ref = textOf(body, "ref") ?? "";
  const sha = state.resolve(ref);
  if (sha === undefined) throw new Refusal(422, `No ref found for: ${ref}`);
  const commit = state.commits.get(sha);
  if (body.auto_merge !== false && commit?.behind !== undefined) return autoMerge(commit, ref);
  checkContexts(commit, body, ref);
  const environment = textOf(body, "environment") ?? "production";
  const deployment: SimDeployment = {
    id: state.nextId(),
    sha,
    ref,
    task: textOf(body, "task") ?? "deploy",
    environment,
    description: checkedDescription(body, "Deployment"),
    payload: isObject(body.payload) ? body.payload : (textOf(body, "payload") ?? ""),
    transient: body.transient_environment === true,
    production:
      typeof body.production_environment === "boolean" ? body.production_environment : environment === "production",
    creator: call.login,
    createdAt: state.timestamp(),
    statuses: [],
  };
  state.deployments.set(deployment.id, deployment);
  return created(viewDeployment(call, deployment));
}

/** `auto_merge` is on unless it is switched off: a ref behind the default branch is merged, and nothing is deployed. */
function autoMerge(commit: CommitSeed, ref: string): Answer {
  if (commit.behind === "conflict") throw new Refusal(409, `Conflict merging main into ${ref}.`);
  return { status: 202, body: { message: `Auto-merged main into ${ref} on deployment.` } };
}

/** Without `required_contexts` every status of the commit must be good; an empty list asks for none. */
function checkContexts(commit: CommitSeed | undefined, body: JsonObject, ref: string): void {
  const statuses = commit?.statuses ?? {};
  const required = (body.required_contexts as readonly string[] | undefined) ?? Object.keys(statuses);
  if (required.every((context) => statuses[context] === "success")) return;
  throw new Refusal(409, `Conflict: Commit status checks failed for ${ref}.`, [
    { resource: "Deployment", field: "required_contexts", code: "invalid" },
  ]);
}

function deleteDeployment(call: Call): Answer {
  const { state } = call;
  const deployment = deploymentOf(call);
  const others = [...state.deployments.values()].filter((one) => one.environment === deployment.environment).length > 1;
  if (others && deployment.statuses.at(-1)?.state !== "inactive") {
    throw new Refusal(
      422,
      "We cannot delete an active deployment unless it is the only deployment in a given environment.",
    );
  }
  state.deployments.delete(deployment.id);
  return { status: 204 };
}

function readStatus(call: Call, deployment: SimDeployment): Omit<SimStatus, "id" | "createdAt"> {
  const { body } = call;
  return {
    state: textOf(body, "state") as SimStatus["state"],
    description: checkedDescription(body, "DeploymentStatus"),
    logUrl: textOf(body, "log_url") ?? textOf(body, "target_url") ?? "",
    environmentUrl: textOf(body, "environment_url") ?? "",
    environment: textOf(body, "environment") ?? deployment.statuses.at(-1)?.environment ?? deployment.environment,
    creator: call.login,
  };
}

function checkedDescription(body: JsonObject, resource: string): string {
  const description = textOf(body, "description") ?? "";
  if ([...description].length > 140)
    throw invalid(resource, "description", "description is too long (maximum is 140 characters)");
  return description;
}

/** Adds a status as the newest one of a deployment. */
export function addStatus(
  state: GitHubState,
  deployment: SimDeployment,
  status: Omit<SimStatus, "id" | "createdAt">,
): SimStatus {
  const added = { ...status, id: state.nextId(), createdAt: state.timestamp() };
  deployment.statuses.push(added);
  return added;
}

/** `auto_inactive`: earlier deployments of the environment that succeeded and are neither transient nor production. */
function endEarlier(state: GitHubState, deployment: SimDeployment, creator: string): void {
  for (const one of state.deployments.values()) {
    const earlier = one.id < deployment.id && one.environment === deployment.environment;
    const newest = one.statuses.at(-1);
    if (!earlier || one.transient || one.production || newest?.state !== "success") continue;
    addStatus(state, one, { ...newest, state: "inactive", description: "", creator });
  }
}
