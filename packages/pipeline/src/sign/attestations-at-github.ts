import { createGitHub } from "@belay/github";
import { type KeptElsewhere, type Whose, workflowRepository } from "@belay/sign";
import type { PipelineContext } from "../run/context.ts";

/**
 * Artifact attestations that GitHub keeps for an image, of the repository whose runs may attest it. Nothing where nobody
 * knows which that is: then only what is beside the image counts.
 */
export function attestationsAtGitHub(context: PipelineContext, token: string, whose: Whose): KeptElsewhere | undefined {
  const repository = workflowRepository(whose);
  if (repository === undefined) return undefined;
  if (token === "") {
    const note = "GitHub was not asked for attestations, because there is no `github-token`";
    return async () => ({ bundles: [], note });
  }
  const { env, log, redactor, clock } = context;
  const apiUrl = env.GITHUB_API_URL || "https://api.github.com";
  const github = createGitHub({ token, apiUrl, repository, redactor, log, clock });
  return async (digest) => {
    const found = await github.attestations(digest);
    if (!found.done) return { bundles: [], note: found.deferred.message };
    if (found.value.length === 0) {
      // GitHub answers 404 for both.
      const note = `GitHub showed none for it in ${repository}: there is none, or this token may not see that repository`;
      return { bundles: [], note };
    }
    return { bundles: found.value };
  };
}
