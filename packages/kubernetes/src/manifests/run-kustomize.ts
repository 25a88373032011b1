import { BelayError, isBelayError, type Runner } from "@belay/core";

export interface KustomizeOptions {
  readonly runner: Runner;
  readonly signal?: AbortSignal;
  /** Default: `kubectl`. */
  readonly kubectl?: string;
}

/** A kustomization may fetch remote bases: long enough for a slow one. */
const DEADLINE_MS = 120_000;

/**
 * What kustomize, which is a part of kubectl, makes of a folder. Its plugins and Helm charts stay switched off: they would
 * run programs of the repository.
 * @throws BelayError TOOL_MISSING without kubectl, CONFIG_INVALID with kustomize's own words.
 */
export async function runKustomize(folder: string, title: string, options: KustomizeOptions): Promise<string> {
  const doing = `rendering the kustomization ${title}`;
  try {
    const { stdout } = await options.runner(options.kubectl ?? "kubectl", ["kustomize", folder], {
      doing,
      deadlineMs: DEADLINE_MS,
      failure: "CONFIG_INVALID",
      next: "Correct it; `kubectl kustomize` shows the same on your machine. Nothing was changed.",
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return stdout;
  } catch (error) {
    if (!isBelayError(error, "TOOL_MISSING")) throw error;
    throw new BelayError("TOOL_MISSING", {
      doing,
      got: "it needs kubectl, which has kustomize built in, and kubectl could not be started",
      next: "Install kubectl on this machine, or name plain manifests in `files`. GitHub's own runners have it.",
      cause: error,
    });
  }
}
