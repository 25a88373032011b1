import { access, constants, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, formatDuration, isBelayError, type Log, messageOf, retry } from "@belay/core";
import { ScanError } from "./could-not-scan.ts";
import { exclusive } from "./exclusive.ts";
import { FetchRefused, fetchFile } from "./fetch-file.ts";
import { type TrivyArchive, type TrivyChoice, trivyArchive } from "./trivy-release.ts";
import { unpackProgram } from "./unpack-program.ts";
import { unusableFolder } from "./unusable-folder.ts";

export interface DownloadTrivyOptions {
  readonly choice?: TrivyChoice;
  /** Folder that keeps programs by version and checksum. Whoever may write it may change what is executed. */
  readonly cache: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For proxies. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For one try. Default 5 min. */
  readonly deadlineMs?: number;
  /** How often it is tried while it can heal. Default 3. */
  readonly attempts?: number;
  /** Before the second try; doubles. Default 2 s. */
  readonly delayMs?: number;
  readonly signal?: AbortSignal;
}

/** Trivy 0.72 has 50 MB packed and 160 MB unpacked. */
const MOST_PACKED = 256 * 1024 * 1024;
const MOST_UNPACKED = 1024 * 1024 * 1024;

const HEALS = ["ECONNRESET", "ECONNREFUSED", "ETIMEDOUT", "EPIPE", "EAI_AGAIN", "ENETUNREACH", "UND_ERR_SOCKET"];

/**
 * Path of the Trivy that was chosen, downloaded once for all processes of this machine. What comes is unpacked, and can
 * be executed, only after its SHA-256 was found to be the one that stands in Belay's source (or was given).
 * @throws ScanError `untrusted_scanner` for other content, `no_scanner` when it can't be had, `unusable_folder`; BelayError
 *   INVALID_INPUT
 */
export async function downloadTrivy(options: DownloadTrivyOptions): Promise<string> {
  const archive = trivyArchive(options.choice ?? {});
  const place = join(options.cache, "programs");
  const folder = join(place, `trivy-${archive.version}-${archive.checksum}`);
  const program = join(folder, "trivy");
  if (await isThere(program)) return program;
  const { clock, deadlineMs = 5 * 60_000, signal } = options;
  const doing = `downloading Trivy ${archive.version} from ${archive.url.host}`;
  const waiting = { clock, doing, waitMs: 2 * deadlineMs, ...(signal === undefined ? {} : { signal }) };
  try {
    await mkdir(place, { recursive: true });
    await exclusive(`${folder}.lock`, waiting, async () => {
      if (!(await isThere(program))) await make(archive, place, folder, { ...options, deadlineMs }, doing);
    });
    return program;
  } catch (error) {
    if (isBelayError(error, "TIMED_OUT")) throw new ScanError("no_scanner", { doing, got: error.got, cause: error });
    throw unusableFolder(error, { doing, folder: options.cache, kind: "cache" }) ?? error;
  }
}

async function isThere(program: string): Promise<boolean> {
  return access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
}

type Making = DownloadTrivyOptions & { readonly deadlineMs: number };

/** Makes it beside its place and moves it there, at once or not at all. */
async function make(
  archive: TrivyArchive,
  place: string,
  folder: string,
  options: Making,
  doing: string,
): Promise<void> {
  const work = await mkdtemp(join(place, "download-"));
  try {
    const packed = await fetchArchive(archive, work, options, doing);
    const whole = join(work, "whole");
    await mkdir(whole);
    await unpackProgram(packed, "trivy", join(whole, "trivy"), MOST_UNPACKED).catch((error: unknown) => {
      const reading = { doing: `unpacking ${archive.url}`, got: messageOf(error), cause: error };
      throw (
        unusableFolder(error, { ...reading, folder: options.cache, kind: "cache" }) ??
        new ScanError("no_scanner", reading)
      );
    });
    await rename(whole, folder).catch((error: NodeJS.ErrnoException) => {
      // The same one is there already: its lock was taken for stale.
      if (!["ENOTEMPTY", "EEXIST"].includes(error.code ?? "")) throw error;
    });
    options.log.info(`Trivy ${archive.version} was downloaded; its SHA-256 is ${archive.checksum}, as it must be.`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchArchive(archive: TrivyArchive, work: string, options: Making, doing: string): Promise<string> {
  const { attempts = 3, delayMs = 2_000, clock, log, signal, deadlineMs } = options;
  const onRetry = (error: unknown, attempt: number, pauseMs: number): void =>
    log.info(`${doing}: try ${attempt} failed (${messageOf(error)}), the next is in ${formatDuration(pauseMs)}.`);
  const policy = { attempts, delayMs, retryable: canHeal, onRetry, clock, ...(signal === undefined ? {} : { signal }) };
  const limits = { mostBytes: MOST_PACKED, deadlineMs, env: options.env ?? process.env };
  log.info(doing);
  let checksum: string;
  const path = (attempt: number): string => join(work, `${attempt}.tar.gz`);
  let last = 1;
  try {
    checksum = await retry(policy, (attempt) => {
      last = attempt;
      return fetchFile(archive.url, path(attempt), { ...limits, ...(signal === undefined ? {} : { signal }) });
    });
  } catch (error) {
    signal?.throwIfAborted();
    const unusable = unusableFolder(error, { doing, folder: options.cache, kind: "cache" });
    if (unusable !== undefined) throw unusable;
    const next = "Check the network and the proxy, name a mirror, or install Trivy and use `scanner: installed`.";
    throw new ScanError("no_scanner", { doing, got: `${archive.url}: ${messageOf(error)}`, next, cause: error });
  }
  if (checksum !== archive.checksum) throw untrusted(archive, checksum, doing);
  return path(last);
}

function canHeal(error: unknown): boolean {
  if (error instanceof FetchRefused) return error.status === 429 || error.status >= 500;
  return HEALS.includes((error as NodeJS.ErrnoException).code ?? "");
}

function untrusted({ url, checksum }: TrivyArchive, came: string, doing: string): ScanError {
  const got = `${url} has the SHA-256 ${came}, and not ${checksum}; it was thrown away and not executed`;
  const next = "Somebody changed it, or the checksum belongs to another version or machine: find out before you go on.";
  return new ScanError("untrusted_scanner", { doing, got, next });
}
