import type { JobRun, RunAnnotation, StepResult, StepRun, WorkflowRun } from "./workflow-run.ts";

/** A line of `act --json`, as far as it is used here. */
interface Line {
  readonly job?: string;
  readonly jobID?: string;
  readonly jobResult?: StepResult;
  readonly stage?: StepRun["stage"];
  readonly step?: string;
  readonly stepID?: readonly string[];
  readonly stepResult?: StepResult;
  readonly command?: string;
  readonly name?: string;
  readonly arg?: string;
  readonly content?: string;
  readonly kvPairs?: Readonly<Record<string, string>>;
  readonly msg?: string;
  readonly level?: string;
  readonly raw_output?: boolean;
}

interface Step {
  id: string;
  name: string;
  stage: StepRun["stage"];
  result: StepResult;
  outputs: Record<string, string>;
  summary: string;
  annotations: RunAnnotation[];
  log: string;
}

interface Job {
  id: string;
  name: string;
  result: StepResult;
  steps: Map<string, Step>;
}

/**
 * Reads the lines of `act --json`. `redact` is applied to every text: act masks secrets only in `msg`, so outputs,
 * summaries and annotations come with the secrets in them.
 */
export function parseRun(
  output: string,
  redact: (text: string) => string,
): Pick<WorkflowRun, "conclusion" | "jobs"> & { readonly rest: string } {
  const jobs = new Map<string, Job>();
  const rest: string[] = [];
  for (const text of output.split("\n").filter((line) => line !== "")) {
    const line = parseLine(text, redact);
    if (line?.job === undefined) rest.push(line?.msg ?? redact(text));
    else readLine(jobOfLine(jobs, line, line.job), line);
  }
  const found: JobRun[] = [...jobs.values()].map((job) => ({ ...job, steps: [...job.steps.values()] }));
  const well = found.length > 0 && found.every((job) => job.result === "success" || job.result === "skipped");
  return { conclusion: well ? "success" : "failure", jobs: found, rest: rest.join("\n") };
}

function parseLine(text: string, redact: (text: string) => string): Line | undefined {
  if (!text.startsWith("{")) return undefined;
  return JSON.parse(text, (_key, value) => (typeof value === "string" ? redact(value) : value)) as Line;
}

function jobOfLine(jobs: Map<string, Job>, line: Line, name: string): Job {
  const known = jobs.get(name);
  if (known !== undefined) return known;
  // A job that a condition leaves out never says how it ended.
  const made: Job = { id: line.jobID ?? name, name, result: "skipped", steps: new Map() };
  jobs.set(name, made);
  return made;
}

function readLine(job: Job, line: Line): void {
  if (line.jobResult !== undefined) job.result = line.jobResult;
  if (line.stepID === undefined || line.stage === undefined) return;
  const id = line.stepID.join("/");
  const key = `${line.stage} ${id}`;
  const step = job.steps.get(key) ?? newStep(id, line.step ?? id, line.stage);
  job.steps.set(key, step);
  if (line.stepResult !== undefined) step.result = line.stepResult;
  if (line.raw_output === true) step.log += line.msg ?? "";
  if (line.command !== undefined) readCommand(step, line, line.command);
  // act's own word on why a step failed: `exit status 3`.
  if (line.level === "error" && line.command === undefined) step.log += `${line.msg ?? ""}\n`;
}

function newStep(id: string, name: string, stage: StepRun["stage"]): Step {
  return { id, name, stage, result: "skipped", outputs: {}, summary: "", annotations: [], log: "" };
}

function readCommand(step: Step, line: Line, command: string): void {
  if (command === "set-output" && line.name !== undefined) step.outputs[line.name] = line.arg ?? "";
  if (command === "summary") step.summary += line.content ?? "";
  if (command === "notice" || command === "warning" || command === "error") {
    const { title, file, line: at } = line.kvPairs ?? {};
    step.annotations.push({
      level: command,
      message: line.arg ?? "",
      ...(title === undefined ? {} : { title }),
      ...(file === undefined ? {} : { file }),
      ...(at === undefined ? {} : { line: Number(at) }),
    });
  }
}
