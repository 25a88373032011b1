import { readFile, realpath } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { BelayError, type Log, oneLine, tail } from "@belay/core";
import { type FailedStep, readFailure } from "./build-failure.ts";
import type { Builder } from "./builder.ts";
import { explainBuilderFailure } from "./explain-builder-failure.ts";

export interface FailedBuild {
  readonly service: string;
  readonly builder: Builder;
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
  /** Folder that file names in annotations are relative to: the repository's. */
  readonly rootOf: () => Promise<string>;
}

/** Lines of the failed step's output that go into an error. */
const SHOWN = 30;

/** The error of a build that failed; the line of the Dockerfile, where it is told, is annotated. */
export async function explainBuildFailure(build: FailedBuild): Promise<BelayError> {
  const { service, testing, output, exitCode, target } = build;
  if (/client version \S+ is too old/.test(output)) return tooOld(service, output);
  const neverBegan = explainBuilderFailure(build.builder, `building ${service}`, output);
  if (neverBegan !== undefined) return neverBegan;
  const path = build.dockerfile ?? join(build.context, "Dockerfile");
  const file = relative(build.directory, path);
  const dockerfile = await readFile(path, "utf8").catch(() => undefined);
  const step = readFailure(output, dockerfile ?? "");
  const testsFailed = testing && step.exitCode !== undefined && inStage(step, target);
  const what = describeStep(step, file) ?? `docker ended with exit code ${exitCode}`;
  const said = tail(step.output ?? output.trim(), SHOWN).join("\n");
  const missing = `There is no ${file}: correct services.${service}.build.dockerfile.`;
  const next = dockerfile === undefined ? missing : remedyOf(output);
  // What Belay added behind the user's Dockerfile has no line there.
  const last = dockerfile?.split("\n").length ?? 0;
  const isTheirs = step.line === undefined || step.line <= last;
  if (isTheirs)
    await annotate(build, { path, step, what, title: `${testsFailed ? "Tests" : "Build"} of ${service} failed`, said });
  return new BelayError(testsFailed ? "TESTS_FAILED" : "BUILD_FAILED", {
    doing: `${testsFailed ? "testing" : "building"} ${service}${target ? ` (stage ${target})` : ""}`,
    got: `${what}. Its last output:\n${said}\n`,
    ...(next === undefined ? {} : { next }),
  });
}

interface Failing {
  readonly path: string;
  readonly step: FailedStep;
  readonly what: string;
  readonly title: string;
  readonly said: string;
}

/** Lines of output in an annotation, which GitHub shows in the diff. */
const ANNOTATED = 12;

/** GitHub finds the line by the file's path in the repository, wherever belay.yaml stands. */
async function annotate({ log, rootOf }: FailedBuild, { path, step, what, title, said }: Failing): Promise<void> {
  if (step.line === undefined) return;
  const file = relative(await rootOf(), await realpath(path).catch(() => path));
  const place = file.startsWith("..") || isAbsolute(file) ? {} : { file: file.replaceAll("\\", "/"), line: step.line };
  log.error([what, ...tail(said, ANNOTATED)].join("\n"), { title, ...place });
}

/** What to do about ends that the builder's words alone leave people with. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /exec format error|exec user process caused/,
    "A step ran for another processor: add `docker/setup-qemu-action` before this step, or cross-compile (`FROM --platform=$BUILDPLATFORM`).",
  ],
  [
    /toomanyrequests|429 Too Many Requests/,
    "The registry limits pulls: log in to it before this step, or use a mirror.",
  ],
  [
    /invalid empty ssh agent socket/,
    "`ssh: default` lends the steps this job's agent, and SSH_AUTH_SOCK names none: start one in a step before this one (`ssh-agent`, or an action that loads a key), or name a key: `ssh: NAME=path`.",
  ],
  [
    /failed to convert agent config|could not parse ssh:/,
    "What `ssh` names is not there or is no key: correct the path, which is relative to belay.yaml, or SSH_AUTH_SOCK for `default`.",
  ],
  [/no space left on device/, "The builder's disk is full: `docker buildx prune`, `docker system df`."],
];

function remedyOf(output: string): string | undefined {
  return REMEDIES.find(([sign]) => sign.test(output))?.[1];
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
