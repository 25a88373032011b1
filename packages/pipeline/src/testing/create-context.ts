import { createRunner, Redactor, systemClock } from "@belay/core";
import { createTestLog, type TestLog } from "@belay/testkit";
import type { PipelineContext } from "../run/context.ts";

/** A context for tests in a folder; nothing of this machine's environment leaks in. */
export function createContext(
  workingDirectory: string,
  env: Readonly<Record<string, string>> = {},
): PipelineContext & { readonly log: TestLog } {
  const redactor = new Redactor();
  return {
    workingDirectory,
    env,
    log: createTestLog(),
    redactor,
    runner: createRunner(redactor),
    clock: systemClock,
    runName: "1.job.test",
    signal: new AbortController().signal,
  };
}
