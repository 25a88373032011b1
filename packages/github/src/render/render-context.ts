import type { Redactor } from "@belay/core";
import type { EnvironmentRow } from "../github.ts";

/** What the Markdown needs beside the report. */
export interface RenderContext {
  /** Takes secrets out of the report before Markdown is made of it. */
  readonly redactor: Redactor;
  /** Rows of the comment's table, as `GitHub.environments()` gives them. The report's own environment is replaced. */
  readonly environments?: readonly EnvironmentRow[];
  /** Web address of this run. */
  readonly runUrl?: string;
  readonly pullRequest?: { readonly number: number; readonly url?: string };
  /** Why something could not be reported to GitHub: told in the summary. */
  readonly deferred?: readonly string[];
  /** Most characters (UTF-16 units). Default: 65,000 for a comment, 900,000 for a summary. */
  readonly limit?: number;
}
