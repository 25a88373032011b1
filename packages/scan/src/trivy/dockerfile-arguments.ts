import { configScanners, type Scanner, WORKPLACE } from "./image-arguments.ts";

/** Folder of the copies in the working folder, and their name: one by which Trivy knows what they are, whatever the original's. */
export const COPIES = { folder: "dockerfiles", file: "Dockerfile" } as const;

/** What can be looked for in a Dockerfile. */
export const dockerfileScanners = configScanners;

/**
 * Arguments of `trivy fs` for all copies at once, like those for images (`imageArguments`). It needs no database, and the checks
 * are those that Trivy brings.
 */
export function dockerfileArguments(scanners: readonly Scanner[], timeoutMs: number): string[] {
  return [
    "fs",
    "--format=json",
    `--output=${WORKPLACE.report}`,
    "--exit-code=0",
    "--no-progress",
    `--scanners=${dockerfileScanners(scanners).join(",")}`,
    `--timeout=${Math.ceil(timeoutMs / 1_000)}s`,
    `--cache-dir=${WORKPLACE.cache}`,
    "--cache-backend=memory",
    "--offline-scan",
    "--skip-check-update",
    "--",
    COPIES.folder,
  ];
}

/**
 * The text without comments by which Trivy leaves findings out (trivy, `pkg/iac/ignore`), of the same length: what is
 * ignored is listed with a reason, and nothing of that says so. Whoever opens a pull request writes them too.
 */
export function withoutIgnores(text: string): string {
  // Trivy parts a line at blanks and colons only: what else there is in between, a tab for one, changes nothing for it.
  return text.replace(/\b(trivy|tfsec):(?=[^\n]*ignore:)/gi, "$1.");
}
