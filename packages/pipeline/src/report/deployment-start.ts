import type { Settings } from "@belay/config";
import type { Digest, Source } from "@belay/core";
import type { DeploymentStart } from "@belay/github";
import type { GitHubRun } from "../run/github-of.ts";

/** What GitHub's own record of the deployment is made from. */
export function deploymentStart(
  settings: Pick<Settings, "application" | "environment" | "production" | "transient" | "url">,
  release: { readonly digest: Digest; readonly source: Source },
  run: GitHubRun,
): DeploymentStart {
  return {
    application: settings.application,
    environment: settings.environment,
    commit: release.source.revision,
    run: run.run,
    production: settings.production,
    transient: settings.transient,
    release: release.digest,
    ...(settings.url === undefined ? {} : { url: settings.url }),
    ...(run.workflowSha === undefined ? {} : { workflowSha: run.workflowSha }),
  };
}
