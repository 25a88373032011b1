/**
 * A runner as a process of its own, so that it can be killed and stopped as real ones are. Reads a {@link RunnerJob} from
 * stdin (one line of JSON), writes each step and at last its result as lines of JSON.
 */
import { createInterface } from "node:readline";
import { type Clock, createLog, Redactor, type Release, type RolloutPolicy, systemClock } from "@belay/core";
import { type DeployPorts, deploy, type Holder, type RecoveryResult, recover, rollback } from "@belay/rollout";
import { isOlderThan } from "./release-of.ts";
import { openBy, type TargetOpener } from "./target-opener.ts";

/** A step of a run, the `nth` time that it comes. */
export interface StepPoint {
  readonly step: string;
  readonly nth: number;
}

export interface RunnerJob {
  readonly opener: TargetOpener;
  /** Name of the run in the ledger. */
  readonly run: string;
  /** With neither this nor `rollbackTo` it only recovers. */
  readonly release?: Release;
  /** It goes back to this deployment. */
  readonly rollbackTo?: string;
  readonly policy: RolloutPolicy;
  readonly lifeMs?: number;
  /** It kills itself just before this step. */
  readonly killAt?: StepPoint;
  /** It waits just before this step until it reads another line. */
  readonly holdAt?: StepPoint;
  /** Runs that are known to be over. */
  readonly over?: readonly string[];
}

export type RunnerLine =
  | { readonly kind: "step"; readonly step: string; readonly stage: string | undefined }
  | { readonly kind: "held" }
  | { readonly kind: "result"; readonly outcome: string | undefined; readonly cause: string | undefined };

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function readLine(): Promise<string> {
  const next = await lines.next();
  if (next.done) throw new Error("stdin has ended");
  return next.value;
}

function say(line: RunnerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function stepper(job: RunnerJob): NonNullable<DeployPorts["onStep"]> {
  const counts = new Map<string, number>();
  return async (step, stage) => {
    const nth = (counts.get(step) ?? 0) + 1;
    counts.set(step, nth);
    const isAt = (point: StepPoint | undefined): boolean => point?.step === step && point.nth === nth;
    if (isAt(job.killAt)) {
      process.kill(process.pid, "SIGKILL");
      await new Promise(() => undefined);
    }
    say({ kind: "step", step, stage });
    if (!isAt(job.holdAt)) return;
    say({ kind: "held" });
    await readLine();
  };
}

async function endOf({ release, rollbackTo: to, policy }: RunnerJob, ports: DeployPorts): Promise<RunEnd> {
  if (release !== undefined) return deploy({ release, policy }, ports);
  return to === undefined ? recover({ onAlive: "wait" }, ports) : rollback({ to, policy }, ports);
}

type RunEnd = Pick<RecoveryResult, "outcome" | "cause">;

async function work(job: RunnerJob): Promise<void> {
  const redactor = new Redactor();
  const style = {
    debug: false,
    line: (_: string, text: string) => text,
    open: (text: string) => text,
    close: () => "",
  };
  const log = createLog(style, redactor, (text) => process.stderr.write(`${text}\n`));
  const { target, close } = await openBy(job.opener, { log, redactor });
  const clock: Clock = systemClock;
  const { release, over = [] } = job;
  const ports: DeployPorts = {
    ...{ target, clock, log, redactor, random: Math.random, signal: new AbortController().signal },
    onStep: stepper(job),
    holder: { run: job.run, attempt: 1, host: "test" },
    isGone: async ({ run }: Holder) => over.includes(run),
    ...(job.lifeMs === undefined ? {} : { lifeMs: job.lifeMs }),
    isOlder: async (running) => release !== undefined && isOlderThan(running, release.source.revision),
  };
  const end = await endOf(job, ports);
  say({ kind: "result", outcome: end.outcome, cause: end.cause?.cause });
  await close();
}

await work(JSON.parse(await readLine()) as RunnerJob);
process.exit(0);
