export type StepResult = "success" | "failure" | "skipped" | "cancelled";

export interface RunAnnotation {
  readonly level: "notice" | "warning" | "error";
  readonly message: string;
  readonly title?: string;
  readonly file?: string;
  readonly line?: number;
}

export interface StepRun {
  /** `id:` of the step, or its place in the job. The steps inside a composite action are `<id>/<id>`. */
  readonly id: string;
  readonly name: string;
  readonly stage: "Pre" | "Main" | "Post";
  readonly result: StepResult;
  readonly outputs: Readonly<Record<string, string>>;
  /** What it wrote to the job summary. */
  readonly summary: string;
  readonly annotations: readonly RunAnnotation[];
  /** What it printed; what it printed as a workflow command is not in it. */
  readonly log: string;
}

export interface JobRun {
  /** Key of the job in its workflow. */
  readonly id: string;
  /** Unique in the run: `Deploy/web-1` for a matrix, `call/Deploy/web` in a reusable workflow. */
  readonly name: string;
  readonly result: StepResult;
  readonly steps: readonly StepRun[];
}

/** What a run of a workflow did. Secrets given to the run are masked everywhere in it. */
export interface WorkflowRun {
  readonly conclusion: "success" | "failure";
  readonly jobs: readonly JobRun[];
  readonly durationMs: number;
  /** What act itself said beside the log of the run: a workflow that is not valid, for instance. */
  readonly stderr: string;
}

/** The job with this key or name. @throws Error naming the jobs there are */
export function jobOf(run: WorkflowRun, job: string): JobRun {
  const found = run.jobs.find((one) => one.name === job) ?? run.jobs.find((one) => one.id === job);
  if (found !== undefined) return found;
  throw new Error(`the run has no job ${job}, only: ${run.jobs.map((one) => one.name).join(", ")}\n${run.stderr}`);
}

/** The step with this id or name. @throws Error naming the steps there are */
export function stepOf(run: WorkflowRun, job: string, step: string, stage: StepRun["stage"] = "Main"): StepRun {
  const { steps } = jobOf(run, job);
  const found = steps.find((one) => one.stage === stage && (one.id === step || one.name === step));
  if (found !== undefined) return found;
  throw new Error(`job ${job} has no ${stage} step ${step}, only: ${steps.map((one) => one.id).join(", ")}`);
}

/** The log of a whole run for a person who reads a failed test. */
export function describeRun(run: WorkflowRun): string {
  const jobs = run.jobs.flatMap((job) => [
    `job ${job.name}: ${job.result}`,
    ...job.steps.flatMap((step) => [`  ${step.stage} ${step.name}: ${step.result}`, ...details(step)]),
  ]);
  return [...jobs, run.stderr].join("\n");
}

function details(step: StepRun): string[] {
  const outputs = Object.entries(step.outputs).map(([name, value]) => `output ${name}=${value}`);
  const notes = step.annotations.map((note) => `${note.level}: ${note.message}`);
  return [...step.log.split("\n"), ...notes, ...outputs].filter((line) => line !== "").map((line) => `    ${line}`);
}
