import { type Call, created, found, ok, Refusal, type Route, textOf } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import type { RunSeed, SimCheckRun } from "./state.ts";
import { viewArtifact, viewJob, viewRun } from "./views.ts";

/** Check runs, workflow runs and their jobs. */
export const RUN_ROUTES: Readonly<Record<string, Route>> = {
  "checks/create": (call) => {
    const sha = textOf(call.body, "head_sha") ?? "";
    if (!call.state.commits.has(sha)) throw new Refusal(422, `No commit found for SHA: ${sha}`);
    const check = { id: call.state.nextId(), facts: { started_at: call.state.timestamp(), ...call.body } };
    call.state.checkRuns.set(check.id, check);
    return created(viewCheck(call, check));
  },
  "checks/update": (call) => {
    const before = checkOf(call);
    const check = { id: before.id, facts: { ...before.facts, ...call.body } };
    call.state.checkRuns.set(check.id, check);
    return ok(viewCheck(call, check));
  },
  "checks/get": (call) => ok(viewCheck(call, checkOf(call))),
  "checks/list-for-ref": (call) => {
    const sha = found(call.state.resolve(call.parameters.ref ?? ""));
    const name = call.query.get("check_name");
    const all = [...call.state.checkRuns.values()]
      .filter((one) => one.facts.head_sha === sha && (name === null || one.facts.name === name))
      .sort((a, b) => b.id - a.id);
    return {
      list: all.map((one) => viewCheck(call, one)),
      wrap: (page, total) => ({ total_count: total, check_runs: page }),
    };
  },
  "actions/list-workflow-runs-for-repo": (call) => {
    const sha = call.query.get("head_sha");
    const all = [...call.state.runs.values()]
      .filter((one) => sha === null || one.headSha === sha)
      .sort((a, b) => b.id - a.id);
    return {
      list: all.map((one) => viewRun(call, one)),
      wrap: (page, total) => ({ total_count: total, workflow_runs: page }),
    };
  },
  "actions/get-workflow-run": (call) => ok(viewRun(call, runOf(call))),
  "actions/list-jobs-for-workflow-run": listJobs,
  "actions/list-jobs-for-workflow-run-attempt": listJobs,
  "actions/get-job-for-workflow-run": (call) => {
    for (const run of call.state.runs.values()) {
      const job = run.jobs?.find((one) => one.id === Number(call.parameters.job_id));
      if (job !== undefined) return ok(viewJob(call, run, job));
    }
    throw new Refusal(404, "Not Found");
  },
  "actions/list-workflow-run-artifacts": (call) => {
    const run = runOf(call);
    const name = call.query.get("name");
    const all = [...call.state.artifacts].filter(
      ([, one]) => one.run === run.id && (name === null || one.name === name),
    );
    return {
      list: all.map(([id, one]) => viewArtifact(call, id, one)),
      wrap: (page, total) => ({ total_count: total, artifacts: page }),
    };
  },
  "actions/download-artifact": (call) => {
    const id = Number(call.parameters.artifact_id);
    if (found(call.state.artifacts.get(id)).expired === true) throw new Refusal(410, "Artifact has expired");
    return { status: 302, location: `/_storage/${id}` };
  },
};

function listJobs(call: Call): ReturnType<Route> {
  const run = runOf(call);
  const all = (run.jobs ?? []).map((job) => viewJob(call, run, job));
  return { list: all, wrap: (page, total) => ({ total_count: total, jobs: page }) };
}

function runOf(call: Call): RunSeed {
  return found(call.state.runs.get(Number(call.parameters.run_id)));
}

function checkOf(call: Call): SimCheckRun {
  return found(call.state.checkRuns.get(Number(call.parameters.check_run_id)));
}

function viewCheck(call: Call, check: SimCheckRun): JsonObject {
  const { facts } = check;
  const output = facts.output as JsonObject | undefined;
  return call.fill("check-run", {
    id: check.id,
    name: facts.name,
    head_sha: facts.head_sha,
    status: facts.conclusion === undefined ? (facts.status ?? "queued") : "completed",
    conclusion: facts.conclusion ?? null,
    started_at: facts.started_at ?? null,
    completed_at: facts.completed_at ?? null,
    details_url: facts.details_url ?? null,
    external_id: facts.external_id ?? null,
    html_url: `${call.state.serverUrl}/${call.state.repository}/runs/${check.id}`,
    output: {
      title: output?.title ?? null,
      summary: output?.summary ?? null,
      text: output?.text ?? null,
      annotations_count: 0,
    },
  });
}
