import { CAUSES, type DeploymentReport, OUTCOMES, parseReference, Redactor, shortDigest } from "@belay/core";
import { renderComment } from "@belay/github";
import { expect } from "vitest";

/**
 * What people read on the pull request is what was proven: headline, cause, the evidence's exit codes and last log lines,
 * and the digest of each service that runs.
 */
export function expectTold(report: DeploymentReport): string {
  const comment = renderComment(report, { redactor: new Redactor() });
  expect(comment.split("\n")[0]).toContain(OUTCOMES[report.outcome].headline);
  if (report.cause !== undefined) {
    const { cause, service } = report.cause;
    expect(comment.includes(cause) || comment.includes(CAUSES[cause])).toBe(true);
    if (service !== undefined) expect(comment).toContain(service);
  }
  for (const { exitCode, logLines } of report.evidence) {
    if (exitCode !== undefined) expect(comment).toContain(`exit code ${exitCode}`);
    for (const line of logLines.slice(-1)) expect(comment).toContain(line);
  }
  for (const { service, image } of report.running) {
    const digest = parseReference(image)?.digest;
    expect(digest, `${service} runs by digest`).toBeDefined();
    if (digest !== undefined) expect(comment).toContain(shortDigest(digest));
  }
  return comment;
}

/** Whoever reads no more than one sentence reads why. */
export function expectLikely({ likelyCause = "" }: DeploymentReport, words: string): void {
  expect(likelyCause.split("\n")).toEqual([expect.stringContaining(words)]);
}
