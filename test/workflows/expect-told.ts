import type { StepRun, WorkflowRun } from "@belay/testkit";
import { expect } from "vitest";
import { type Seen, TOKEN, type WorkflowStage } from "./workflow-stage.ts";

/** A broken commit: the shop ends at its start. */
export const FAULT = 'throw new Error("cannot read the price list");\n';

/** The one comment of the pull request and the job's summary both say that {@link FAULT} was taken back, why, and what runs. */
export function expectFaultTold(stage: WorkflowStage, pullRequest: number, summary: string, running: Seen): void {
  const comments = stage.github.comments(pullRequest);
  expect(comments).toHaveLength(1);
  const image = running.images[0]?.slice(-12) ?? "?";
  for (const part of ["Rolled back", "cannot read the price list", "exit code 1", image]) {
    expect(comments[0]?.body).toContain(part);
    expect(summary).toContain(part);
  }
  expect(stage.states().at(-1)).toBe("failure");
}

/** Nothing that a run or GitHub shows has one of the secrets, nor did a step print one that was masked. */
export function expectNoSecret(
  stage: WorkflowStage,
  runs: readonly WorkflowRun[],
  pullRequests: readonly number[],
  secrets: readonly string[],
): void {
  const bodies = pullRequests.flatMap((number) => stage.github.comments(number).map((comment) => comment.body));
  const told = JSON.stringify([runs, bodies, stage.github.deployments()]);
  for (const secret of [TOKEN, Buffer.from(`ada:${TOKEN}`).toString("base64"), ...secrets]) {
    expect(told).not.toContain(secret);
  }
  // act and the rig mask secrets in what they show, so a mark says that a step did print one.
  const steps: StepRun[] = runs.flatMap(({ jobs }) => jobs.flatMap((job) => job.steps));
  expect(steps.filter(({ log }) => log.includes("***")).map(({ name }) => name)).toEqual([]);
  expect(stage.github.violations).toEqual([]);
}
