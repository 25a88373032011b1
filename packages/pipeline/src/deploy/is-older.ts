import type { Source } from "@belay/core";
import type { PipelineContext } from "../run/context.ts";

/**
 * Whether `next` is older than `running`: an ancestor of it in git's history where the repository is there, else by the
 * committers' dates. The same commit is not older. `cannot tell` for other repositories and commits without dates.
 */
export async function isOlder(
  context: PipelineContext,
  next: Source,
  running: Source,
): Promise<boolean | "cannot tell"> {
  if (next.revision === running.revision) return false;
  if (next.repository !== running.repository) return "cannot tell";
  const [isBefore, isAfter] = await Promise.all([
    isAncestor(context, next.revision, running.revision),
    isAncestor(context, running.revision, next.revision),
  ]);
  if (isBefore === true) return true;
  // Where neither contains the other, that is no answer.
  return isBefore === false && isAfter === true ? false : byDate(next, running);
}

/** `undefined` when git can't tell: no repository, or a shallow clone without the commits. Source: git-merge-base(1). */
async function isAncestor(context: PipelineContext, ancestor: string, of: string): Promise<boolean | undefined> {
  const { exitCode } = await context.runner("git", ["merge-base", "--is-ancestor", ancestor, of], {
    cwd: context.workingDirectory,
    doing: "comparing the commits",
    allowedExitCodes: [1, 128],
    signal: context.signal,
  });
  return exitCode === 128 ? undefined : exitCode === 0;
}

function byDate(next: Source, running: Source): boolean | "cannot tell" {
  const [a, b] = [next.committedAt, running.committedAt].map((date) => Date.parse(date ?? ""));
  if (a === undefined || b === undefined || Number.isNaN(a) || Number.isNaN(b)) return "cannot tell";
  return a < b;
}
