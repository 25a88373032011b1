import { BelayError, type Runner, type RunResult } from "@belay/core";

/** Questions to one work tree. None of them changes it. */
export interface Git {
  /** @throws BelayError SOURCE_UNKNOWN */
  ask(doing: string, ...args: string[]): Promise<string>;
  /** `undefined` when git answers with exit code 1, 2 (no such remote, since 2.30) or 128: the thing that was asked for is not there. */
  find(...args: string[]): Promise<string | undefined>;
}

const NO_REPOSITORY = "Run `actions/checkout` before this step, or give the commit with the input `revision`.";

/** `GIT_OPTIONAL_LOCKS=0`: `git status` must not fight with another process over the index (git docs, "git status"). */
const ENVIRONMENT = { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0" };

export function createGit(runner: Runner, directory: string): Git {
  const run = (doing: string, args: readonly string[]): Promise<RunResult> =>
    runner("git", args, { cwd: directory, env: ENVIRONMENT, doing, allowedExitCodes: [1, 2, 128], deadlineMs: 60_000 });
  return {
    ask: async (doing, ...args) => {
      const result = await run(doing, args);
      if (result.exitCode === 0) return result.stdout.trim();
      throw refusal(doing, result.stderr, directory);
    },
    find: async (...args) => {
      const result = await run("reading the git repository", args);
      const text = result.stdout.trim();
      return result.exitCode === 0 && text !== "" ? text : undefined;
    },
  };
}

/** Turns git's own words into what the user can do. */
function refusal(doing: string, stderr: string, directory: string): BelayError {
  if (/dubious ownership|unsafe repository/.test(stderr)) {
    const got = `git does not trust ${directory}, because it belongs to another user`;
    const next = `Trust it in a step before: git config --global --add safe.directory ${JSON.stringify(directory)}`;
    return new BelayError("SOURCE_UNKNOWN", { doing, got, next });
  }
  if (/not a git repository/i.test(stderr)) {
    return new BelayError("SOURCE_UNKNOWN", {
      doing,
      got: `${directory} is no git repository`,
      next: NO_REPOSITORY,
    });
  }
  if (/unknown revision|bad revision|needed a single revision|does not have any commits/i.test(stderr)) {
    return new BelayError("SOURCE_UNKNOWN", {
      doing,
      got: `${directory} has no such commit`,
      next: "Commit the work first: a release always names a commit.",
    });
  }
  const words = stderr.trim().split("\n")[0] ?? "";
  return new BelayError("SOURCE_UNKNOWN", { doing, got: `git said: ${words}`, next: NO_REPOSITORY });
}
