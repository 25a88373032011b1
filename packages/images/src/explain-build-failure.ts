import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { BelayError, type Log, oneLine, tail } from "@belay/core";
import { type FailedStep, readFailure } from "./build-failure.ts";

export interface FailedBuild {
  readonly service: string;
  readonly context: string;
  readonly dockerfile?: string;
  /** Stage that was to be made. */
  readonly target?: string;
  /** Only run, for its tests. */
  readonly testing: boolean;
  readonly output: string;
  readonly exitCode: number;
  readonly log: Log;
  /** Folder that file names in messages are relative to. */
  readonly directory: string;
}

/** Lines of the builder's output that go into an error. */
const SHOWN = 30;

/** The error of a build that failed; the line of the Dockerfile, where it is told, is annotated. */
export async function explainBuildFailure(build: FailedBuild): Promise<BelayError> {
  const { service, directory, log, testing, output, exitCode, target } = build;
  if (/client version \S+ is too old/.test(output)) return tooOld(service, output);
  const path = build.dockerfile ?? join(build.context, "Dockerfile");
  const file = relative(directory, path);
  const dockerfile = await readFile(path, "utf8").catch(() => "");
  const step = readFailure(output, dockerfile);
  const testsFailed = testing && step.exitCode !== undefined && inStage(step, target);
  const doing = `${testsFailed ? "testing" : "building"} ${service}${target ? ` (stage ${target})` : ""}`;
  const got = `${describeStep(step, file) ?? `docker ended with exit code ${exitCode}`}. Its last output:\n${tail(output.trim(), SHOWN).join("\n")}\n`;
  const next = dockerfile === "" ? `There is no ${file}: correct services.${service}.build.dockerfile.` : undefined;
  if (step.line !== undefined) {
    const title = testsFailed ? `Tests of ${service} failed` : `Build of ${service} failed`;
    log.error(describeStep(step, file) ?? title, { title, file, line: step.line });
  }
  return new BelayError(testsFailed ? "TESTS_FAILED" : "BUILD_FAILED", {
    doing,
    got,
    ...(next === undefined ? {} : { next }),
  });
}

function tooOld(service: string, output: string): BelayError {
  const line = output.split("\n").find((one) => /client version \S+ is too old/.test(one)) ?? "";
  return new BelayError("TOOL_TOO_OLD", {
    doing: `building ${service}`,
    got: `the engine no longer speaks with this docker command line: ${oneLine(line)}`,
    next: "Update the docker command line.",
  });
}

/** BuildKit leaves the stage's name out when the Dockerfile has only one stage. */
function inStage(step: FailedStep, target: string | undefined): boolean {
  return step.stage === undefined || step.stage.toLowerCase() === target?.toLowerCase();
}

function describeStep(step: FailedStep, file: string): string | undefined {
  if (step.instruction === undefined && step.line === undefined) return undefined;
  const where = step.line === undefined ? file : `${file}:${step.line}`;
  const ending = step.exitCode === undefined ? "failed" : `ended with exit code ${step.exitCode}`;
  return `${where}: ${step.instruction ?? "a step"} ${ending}`;
}
