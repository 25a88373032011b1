import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { ScanSettings } from "@belay/config";
import { BelayError, isBelayError, type Log } from "@belay/core";
import {
  DatabaseStore,
  findTrivy,
  type Knowledge,
  ReportCache,
  ScanError,
  type Trivy,
  type TrivyChoice,
  type TrivySource,
  TrivyVersions,
} from "@belay/scan";
import { insecureAtEngine } from "../access/insecure-at-engine.ts";
import type { PipelineContext } from "../run/context.ts";

/** A Trivy that can be asked, and what it knows. */
export interface Scanner {
  readonly trivy: Trivy;
  readonly knowledge: Knowledge;
  /** Reports of earlier scans of this machine. */
  readonly reports: ReportCache;
  /** The databases of this machine. */
  readonly store: DatabaseStore;
}

/** How long another process may hold the database; never longer than the scan of one image. */
const LONGEST_LOCK_MS = 30_000;

/**
 * Finds Trivy, or downloads it. `source`: where from; default this machine, else a verified
 * `download`. Its databases are downloaded when the first scan needs them.
 * @throws ScanError `no_scanner` where there is none, or one that is too old, or the download failed; `untrusted_scanner`,
 *   `unusable_folder`, `timed_out`; BelayError INVALID_INPUT
 */
export async function openScanner(
  context: PipelineContext,
  settings: ScanSettings,
  source: TrivySource | undefined,
  download: TrivyChoice = {},
): Promise<Scanner> {
  const { runner, redactor, clock, log, env, signal } = context;
  if (source === "server" && settings.server === undefined) {
    const next = "Name it: `scan: { server: https://… }` in belay.yaml, or the input `scan-server`.";
    throw new BelayError("INVALID_INPUT", { doing: "looking for Trivy", got: "no server is named", next });
  }
  const cache = cacheFolder(context, settings);
  const versions = new TrivyVersions(join(cache, "belay", "versions"));
  const find = (scanner: TrivySource): Promise<Trivy> =>
    findTrivy({ scanner, download, cache, runner, redactor, clock, log, signal, versions });
  const finding = source === undefined ? installedOr(find, log) : find(source);
  const trivy = await finding.catch((error: unknown) => {
    throw noScanner(error) ?? error;
  });
  const { dbRepositories: vulnerabilities, javaDbRepositories: java, maxDbAgeMs: maxAgeMs, server } = settings;
  const ages = { maxAgeMs, maxJavaAgeMs: settings.maxJavaDbAgeMs };
  const repositories = { ...(vulnerabilities && { vulnerabilities }), ...(java && { java }) };
  const store = new DatabaseStore({
    trivy,
    cache,
    repositories,
    update: settings.updateDb,
    ...ages,
    lockWaitMs: Math.min(settings.timeoutMs, LONGEST_LOCK_MS),
    insecure: insecureAtEngine(context),
    clock,
    log,
  });
  const token = env.TRIVY_TOKEN;
  if (token) redactor.add(token);
  const now = clock.date();
  return {
    trivy,
    store,
    knowledge: server === undefined ? { store } : { server, maxAgeMs, now, ...(token ? { token } : {}) },
    reports: new ReportCache(join(cache, "belay", "reports")),
  };
}

/** The machine's own Trivy; where there is none, the one that this version of Belay knows by its checksum. */
async function installedOr(find: (scanner: TrivySource) => Promise<Trivy>, log: Log): Promise<Trivy> {
  try {
    return await find("installed");
  } catch (error) {
    if (!isBelayError(error, "TOOL_MISSING")) throw error;
    log.info("There is no Trivy on this machine: a release of it is downloaded and verified.");
    return find("download");
  }
}

/** Nobody can look without one, whatever the reason: that is no scan, and not a wrong input. */
function noScanner(error: unknown): ScanError | undefined {
  if (!isBelayError(error, "TOOL_MISSING", "TOOL_TOO_OLD")) return undefined;
  const { doing, got, next } = error;
  return new ScanError("no_scanner", { doing, got, cause: error, ...(next === undefined ? {} : { next }) });
}

/** Trivy's own place (trivy, `pkg/utils/fsutils`), so that a cache of the workflow serves both. */
export function cacheFolder({ env, workingDirectory }: PipelineContext, { cacheDir }: ScanSettings): string {
  if (cacheDir !== undefined) return cacheDir;
  if (env.TRIVY_CACHE_DIR) return resolve(workingDirectory, env.TRIVY_CACHE_DIR);
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "trivy");
}
