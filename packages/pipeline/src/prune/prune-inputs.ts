import type { Inputs } from "@belay/core";
import { type CommonInputs, loadCommonInputs } from "../run/use-case-inputs.ts";

export interface PruneInputs extends CommonInputs {
  /** Newest images of each repository that stay in any case. */
  readonly last: number;
  /** Images that were pushed within this time stay, whoever needs them: a release may wait for an approval. 0: none for that. */
  readonly keepYoungerMs: number;
  /** Host of the container registry of a GitHub Enterprise Server. ghcr.io is known. */
  readonly githubRegistry?: string;
  /** Only says what would go. */
  readonly dryRun: boolean;
}

const WEEK_MS = 7 * 86_400_000;

/** @throws BelayError INVALID_INPUT */
export function loadPruneInputs(inputs: Inputs): PruneInputs {
  // Hosts of repositories are in lower case.
  const githubRegistry = inputs.text("github-registry")?.toLowerCase();
  if (githubRegistry !== undefined && !/^[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?$/.test(githubRegistry)) {
    const got = `its value is ${JSON.stringify(githubRegistry)}`;
    inputs.refuse("github-registry", got, "Write a host like containers.github.example.");
  }
  return {
    ...loadCommonInputs(inputs),
    ...(githubRegistry === undefined ? {} : { githubRegistry }),
    last: inputs.integer("last", 0, 10_000) ?? 10,
    keepYoungerMs: inputs.durationMs("keep-younger-than") ?? WEEK_MS,
    dryRun: inputs.boolean("dry-run") ?? true,
  };
}
