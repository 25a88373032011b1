import type { Log, Redactor, Target } from "@belay/core";

/** How any process opens a target: a module and what to tell it. Plain data, so that it reaches a child process. */
export interface TargetOpener {
  /** URL of a module that exports `openTarget` as {@link OpenTarget}. */
  readonly module: string;
  /** Plain JSON. */
  readonly settings: unknown;
}

/** What such a module exports. `close` ends the connections, too. */
export type OpenTarget = (
  settings: unknown,
  ports: { readonly log: Log; readonly redactor: Redactor },
) => Promise<{ readonly target: Target; close(): Promise<void> }>;

/** Opens it in this process. */
export async function openBy(
  opener: TargetOpener,
  ports: { readonly log: Log; readonly redactor: Redactor },
): ReturnType<OpenTarget> {
  const { openTarget } = (await import(opener.module)) as { openTarget: OpenTarget };
  return openTarget(opener.settings, ports);
}
