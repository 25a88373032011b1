import type { Clock, Log } from "@belay/core";
import { downloadTrivy } from "./download-trivy.ts";
import { Trivy, type TrivyOptions } from "./trivy.ts";
import type { TrivyChoice } from "./trivy-release.ts";

/** `installed`: the one of this machine. `download`: a pinned one. `server`: the one of this machine, as a client. */
export const TRIVY_SOURCES = ["installed", "download", "server"] as const;

export type TrivySource = (typeof TRIVY_SOURCES)[number];

export interface FindTrivyOptions extends TrivyOptions {
  readonly scanner: TrivySource;
  readonly download?: TrivyChoice;
  /** Keeps what was downloaded. */
  readonly cache: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/**
 * The Trivy to scan with, proven to run.
 * @throws ScanError `no_scanner`, `untrusted_scanner`; BelayError TOOL_MISSING, TOOL_TOO_OLD, INVALID_INPUT
 */
export async function findTrivy(options: FindTrivyOptions): Promise<Trivy> {
  if (options.scanner !== "download") return Trivy.open(options);
  const { download: choice = {}, cache, clock, log, signal } = options;
  const env = { ...process.env, ...options.env };
  const command = await downloadTrivy({ choice, cache, clock, log, env, ...(signal === undefined ? {} : { signal }) });
  return Trivy.open({ ...options, command });
}
