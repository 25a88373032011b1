import { rmdirSync, statSync } from "node:fs";
import { createLog, createRunner, plainStyle, Redactor, systemClock } from "@belay/core";
import { afterEach, expect, it } from "vitest";
import type { PipelineContext } from "./context.ts";
import { belayFolder } from "./places.ts";

const made = new Set<string>();
afterEach(() => {
  for (const folder of made) rmdirSync(folder);
  made.clear();
});

function folderOf(workingDirectory: string, env: PipelineContext["env"] = {}): string {
  const redactor = new Redactor();
  const log = createLog(plainStyle(), redactor, () => {});
  const runner = createRunner(redactor);
  const signal = new AbortController().signal;
  return belayFolder({ workingDirectory, env, log, redactor, runner, clock: systemClock, runName: "t", signal });
}

it("is the job's folder on a runner", () => {
  expect(folderOf("/checkout", { RUNNER_TEMP: "/runner/temp" })).toBe("/runner/temp/belay");
});

it("is elsewhere one per working directory, which only its user can look into", () => {
  const [one, again, other] = ["/belay-test/one", "/belay-test/one", "/belay-test/other"].map((path) => folderOf(path));
  for (const folder of [one, other]) if (folder !== undefined) made.add(folder);
  expect(again).toBe(one);
  expect(other).not.toBe(one);
  expect(statSync(one ?? "").mode & 0o777).toBe(0o700);
});
