import type { Source } from "@belay/core";
import { code, link, prose } from "./markdown.ts";

/** Link to a commit, as a short SHA in a code span. */
export function commitLink(repository: string | undefined, revision: string): string {
  const short = code(revision.slice(0, 12));
  return repository === undefined ? short : link(short, `${repository}/commit/${encodeURIComponent(revision)}`);
}

export function pullRequestLink(number: number, repository: string): string {
  return link(`PR ${number}`, `${repository}/pull/${number}`);
}

/** In one line: commit, its title, its author, its pull request. */
export function describeSource(source: Source): string {
  const author = source.author?.replace(/\s*<[^>]*>\s*$/, "") ?? "";
  const parts = [
    `${commitLink(source.repository, source.revision)} ${prose((source.title ?? "").slice(0, 200))}`.trim(),
    ...(author === "" ? [] : [prose(author.slice(0, 100))]),
    ...(source.pullRequest === undefined ? [] : [pullRequestLink(source.pullRequest, source.repository)]),
  ];
  return parts.join(" · ");
}
