import { BelayError, type Source } from "@belay/core";
import type { GitHubRun } from "../run/github-of.ts";

/** What a run is about to do with the commit of an event. */
export interface TrustedWork {
  /** `building`, `pushing`, `deploying`, `rolling back`. */
  readonly doing: string;
  /** Of what is built, pushed or deployed. Default: the commit of the event. */
  readonly source?: Pick<Source, "revision" | "dirty">;
  /** Its commit is the one checked out, and not what a document says that a run before may have written. */
  readonly checkedOut?: true;
  /** Work that a fork's `pull_request` may do: it has neither secrets nor a token that can write, and reviews need it. */
  readonly withoutSecrets?: true;
}

/**
 * Refuses somebody else's code where the workflow holds our secrets (`pull_request_target`, and `workflow_run` after a run of a
 * fork), and any way to a target from a fork, unless the default branch contains the commit. A release document can say
 * that it is of any commit, and that it was scanned, so that after a fork's run the event's own commit has to be there too.
 * Outside GitHub Actions, and for events of the repository itself, nothing is asked.
 * @throws BelayError INVALID_INPUT
 */
export async function requireTrusted(run: GitHubRun | undefined, work: TrustedWork): Promise<void> {
  if (run === undefined || !isForeign(run, work)) return;
  const { event, github } = run;
  const documentOfFork = event.name === "workflow_run" && work.checkedOut === undefined;
  const commits = new Set([work.source?.revision ?? event.headSha, ...(documentOfFork ? [event.headSha] : [])]);
  if (work.source?.dirty === true) throw refused(run, work, "there are files that no commit holds");
  for (const commit of commits) {
    const found = await github.isOnDefaultBranch(commit);
    if (found.done && found.value) continue;
    const why = found.done ? "the default branch does not contain" : `GitHub did not tell whether it contains`;
    throw refused(run, work, `${why} ${commit.slice(0, 12)}`);
  }
}

/** Whether the code may be somebody else's, so that {@link requireTrusted} asks about it. */
export function isForeign({ event }: GitHubRun, work: Pick<TrustedWork, "withoutSecrets">): boolean {
  if (event.name === "pull_request_target") return true;
  return event.fork && !(event.name === "pull_request" && work.withoutSecrets === true);
}

function refused({ event }: GitHubRun, { doing }: TrustedWork, why: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing,
    got: `the event ${event.name} comes from code that nobody has accepted yet: ${why}`,
    next: "Do it on workflow_dispatch, or on a push to a branch of this repository. Build pull requests on `pull_request`.",
  });
}
