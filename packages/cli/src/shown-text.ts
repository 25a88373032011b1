import { defuse } from "@belay/core";

/**
 * `text` as this process may write it. In a `run:` step of GitHub Actions the runner reads for commands all that is written,
 * so that what comes from outside must not be one.
 */
export function shownText(text: string): string {
  return process.env.GITHUB_ACTIONS === "true" ? defuse(text) : text;
}
