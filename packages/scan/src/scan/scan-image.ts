import { mkdir, readFile, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  BelayError,
  type Digest,
  type Log,
  mapBounded,
  oneLine,
  type Platform,
  type PlatformIdentity,
  toBelayError,
} from "@belay/core";
import { type LayoutEntry, readLayout } from "@belay/core/oci-layout";
import type { Database } from "../database/database-files.ts";
import type { DatabaseStore } from "../database/database-store.ts";
import { maskReport } from "../report/mask-report.ts";
import { parseReport } from "../report/parse-report.ts";
import type { ReportCache, ReportKey } from "../report/report-cache.ts";
import type { ScanReport } from "../report/scan-report.ts";
import { type CouldNotScan, couldNotScan, ScanError } from "../trivy/could-not-scan.ts";
import { wantsJavaDatabase } from "../trivy/explain-failure.ts";
import { DATABASES, imageArguments, type Scanner, type TrivyInput, WORKPLACE } from "../trivy/image-arguments.ts";
import { type Trivy, TrivyFailed } from "../trivy/trivy.ts";
import { inTemporaryFolder } from "../trivy/unusable-folder.ts";
import { checkIdentity } from "./check-identity.ts";
import { narrowLayout } from "./narrow-layout.ts";
import { checkSubject, nameOf, type ScanSubject } from "./scan-subject.ts";

/** Where the vulnerabilities come from: the machine's own database, or a Trivy server. */
export type Knowledge =
  | { readonly store: DatabaseStore }
  | { readonly server: string; readonly token?: string; readonly maxAgeMs: number; readonly now: Date };

export interface ScanImageOptions {
  readonly trivy: Trivy;
  readonly subject: ScanSubject;
  /**
   * Platforms to scan. Needed for a registry, where Trivy would silently take linux/amd64 of several. A layout: all that
   * are in it. An engine and an archive have one, and no choice.
   */
  readonly platforms?: readonly Platform[];
  /** What the image has to be. A scan of anything else counts for nothing. */
  readonly expected?: Readonly<Record<Platform, PlatformIdentity>>;
  readonly knowledge: Knowledge;
  /** Default: vulnerabilities and secrets. */
  readonly scanners?: readonly Scanner[];
  /** For each platform. */
  readonly timeoutMs: number;
  /** Reports of earlier scans. */
  readonly reports?: ReportCache;
  /** For an image in a registry. Without them Trivy looks into the docker config. */
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** For an image of an engine: variables by which Trivy finds it. Default: those that it was opened with. */
  readonly engine?: Readonly<Record<string, string>>;
  /** Platforms at a time. Default 2. */
  readonly parallel?: number;
  readonly insecure?: boolean;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** One platform that was scanned: what Trivy wrote, and what Belay reads in it. */
export interface PlatformScan {
  readonly report: ScanReport;
  /** As it is kept and given on: without what Trivy copied from the image ({@link maskReport}). */
  readonly json: string;
  /** From an earlier scan of the same image with the same database. */
  readonly cached: boolean;
}

export interface ImageScan {
  readonly scans: readonly PlatformScan[];
  readonly obstacles: readonly CouldNotScan[];
}

/**
 * Scans each platform of an image. What hinders a scan is part of the result.
 * @throws BelayError INVALID_INPUT for what is no image or platform; the signal's reason
 */
export async function scanImage(options: ScanImageOptions): Promise<ImageScan> {
  checkSubject(options.subject);
  checkPlatforms(options);
  const scans: PlatformScan[] = [];
  const obstacles: CouldNotScan[] = [];
  const settle = async (platform: Platform | undefined, work: () => Promise<PlatformScan | undefined>) => {
    try {
      const scan = await work();
      if (scan !== undefined) scans.push(scan);
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
      obstacles.push(couldNotScan(error, platform));
    }
  };
  await settle(undefined, async () => {
    const parts = await partsOf(options);
    const database =
      "store" in options.knowledge ? await takeDatabase(options.knowledge.store, options.signal) : undefined;
    await mapBounded(parts, options.parallel ?? 2, options.signal, (part, signal) =>
      settle(part.platform, () => scanPart({ ...options, signal }, part, database)),
    );
    return undefined;
  });
  return { scans, obstacles };
}

async function takeDatabase(store: DatabaseStore, signal: AbortSignal | undefined): Promise<Database> {
  const database = await store.take("vulnerabilities", signal);
  // The evidence names it. Nobody waits for it: it is made while Trivy runs, and whoever asks for it hears of a failure.
  store.digest("vulnerabilities", database).catch(() => undefined);
  return database;
}

/** Nobody who has had so much more time than it was given is at work still. */
export const HANGS_MS = 10_000;

const DEFAULT_SCANNERS: readonly Scanner[] = ["vuln", "secret"];

/** What is given to one run of Trivy. */
interface Part {
  readonly platform?: Platform;
  readonly entry?: LayoutEntry;
}

function checkPlatforms({ subject, platforms }: ScanImageOptions): void {
  const doing = `scanning ${nameOf(subject)}`;
  const wrong = platforms?.find((name) => !/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/.test(name));
  if (wrong !== undefined) {
    const got = `${JSON.stringify(oneLine(wrong))} is no platform`;
    throw new BelayError("INVALID_INPUT", { doing, got, next: "Write it like linux/arm64." });
  }
  if (subject.kind !== "registry" || (platforms?.length ?? 0) > 0) return;
  throw new BelayError("INVALID_INPUT", { doing, got: "no platform is named", next: "Name all that it has." });
}

async function partsOf({ subject, platforms, expected }: ScanImageOptions): Promise<Part[]> {
  if (subject.kind === "registry") return (platforms ?? []).map((platform) => ({ platform }));
  if (subject.kind !== "layout") return [{}];
  const entries = await entriesOf(subject.path);
  const missing = platforms?.find((platform) => !entries.some((entry) => entry.platform === platform));
  if (missing !== undefined) {
    const got = `it has no ${missing}, but ${entries.map((entry) => entry.platform).join(", ")}`;
    throw new ScanError("broken_image", { doing: `scanning ${nameOf(subject)}`, got });
  }
  const wanted = entries.filter((entry) => platforms?.includes(entry.platform) ?? true);
  for (const entry of wanted) requireEntry(entry, expected?.[entry.platform], `scanning ${nameOf(subject)}`);
  return wanted.map((entry) => ({ platform: entry.platform, entry }));
}

/** What is on disk may be of another build than the one that is asked about. */
function requireEntry(entry: LayoutEntry, expected: PlatformIdentity | undefined, doing: string): void {
  for (const key of ["config", "manifest"] as const) {
    const wanted = expected?.[key];
    if (wanted === undefined || wanted === entry[key]) continue;
    throw new ScanError("wrong_image", { doing, got: `it has ${entry[key]} for ${entry.platform}, and not ${wanted}` });
  }
}

async function entriesOf(path: string): Promise<readonly LayoutEntry[]> {
  try {
    return (await readLayout(path)).entries;
  } catch (error) {
    const { doing, got } = toBelayError(error, `reading the image layout ${path}`);
    throw new ScanError("broken_image", { doing, got, cause: error });
  }
}

async function scanPart(options: ScanImageOptions, part: Part, database: Database | undefined): Promise<PlatformScan> {
  const doing = `scanning ${nameOf(options.subject)}${part.platform === undefined ? "" : ` (${part.platform})`}`;
  const known = await keyOf(options, part, database);
  const kept = known && (await options.reports?.find(known));
  if (kept !== undefined) {
    const scan = await checked(options, part, database, kept, doing).catch(() => undefined);
    if (scan !== undefined) return { ...scan, cached: true };
  }
  const json = await scanAnew(options, part, database, doing);
  const scan = await checked(options, part, database, json, doing);
  // Asked for once more: the scan itself may have fetched the database of Java archives.
  const key = await keyOf(options, part, database);
  if (key !== undefined) await options.reports?.keep(key, json);
  return { ...scan, cached: false };
}

/** `undefined` when nobody knows which image it will be, or what database there is. */
async function keyOf(
  options: ScanImageOptions,
  part: Part,
  database: Database | undefined,
): Promise<ReportKey | undefined> {
  const { knowledge, trivy, scanners = DEFAULT_SCANNERS, expected = {} } = options;
  const [only, ...others] = Object.values(expected);
  const named = part.platform === undefined ? (others.length === 0 ? only : undefined) : expected[part.platform];
  const config = part.entry?.config ?? named?.config;
  if (options.reports === undefined || config === undefined || database === undefined) return undefined;
  if (!("store" in knowledge)) return undefined;
  const { store } = knowledge;
  const found = await store.usable("java");
  const java = found && (await store.mark("java", found));
  const mark = await store.mark("vulnerabilities", database);
  if (mark === undefined) return undefined;
  return {
    config,
    database: mark,
    ...(java === undefined ? {} : { java }),
    trivy: trivy.version,
    scanners: [...scanners].sort(),
  };
}

async function scanAnew(
  options: ScanImageOptions,
  part: Part,
  database: Database | undefined,
  doing: string,
): Promise<string> {
  return inTemporaryFolder("belay-scan-", doing, async (work) => {
    const input = await prepare(work, options.subject, part);
    if (database !== undefined) await lend(work, "vulnerabilities", database);
    await runTrivy(options, part, input, work, doing);
    return maskReport(await readFile(join(work, WORKPLACE.report), "utf8"));
  });
}

async function checked(
  { subject, knowledge, expected, scanners = DEFAULT_SCANNERS }: ScanImageOptions,
  part: Part,
  database: Database | undefined,
  json: string,
  doing: string,
): Promise<Omit<PlatformScan, "cached">> {
  const version = database && { schema: database.schema, updatedAt: database.updatedAt };
  const parsed = parseReport(json, version);
  const java = "store" in knowledge ? await javaOf(parsed, knowledge.store) : {};
  const report = { ...parsed, ...java, image: nameOf(subject), scope: { scanners } };
  if (!("store" in knowledge)) checkServerAge(report, knowledge, doing);
  const config: Digest | undefined = part.entry?.config;
  const own = part.platform === undefined ? undefined : expected?.[part.platform];
  const id = subject.kind === "engine" ? subject.id : undefined;
  checkIdentity(report, { ...part, config: config ?? own?.config, id, any: expected }, doing);
  return { report, json };
}

/** Trivy asks it only about archives. */
async function javaOf({ coverage }: ScanReport, store: DatabaseStore): Promise<Pick<ScanReport, "javaDatabase">> {
  const java = coverage.libraries.includes("jar") ? await store.usable("java") : undefined;
  return java === undefined ? {} : { javaDatabase: { schema: java.schema, updatedAt: java.updatedAt } };
}

/** Puts the image in the working folder under a name of ours, if it is on disk. */
async function prepare(work: string, subject: ScanSubject, part: Part): Promise<TrivyInput> {
  await mkdir(join(work, WORKPLACE.cache));
  switch (subject.kind) {
    case "engine":
      return { from: "docker", name: subject.id };
    case "registry":
      return { from: "remote", name: subject.reference };
    case "layout":
      if (part.entry !== undefined) await narrowLayout(subject.path, part.entry, join(work, WORKPLACE.layout));
      return { from: "layout" };
    case "archive":
      await symlink(resolve(subject.path), join(work, WORKPLACE.archive));
      return { from: "archive" };
  }
}

async function lend(work: string, kind: keyof typeof DATABASES, database: Database): Promise<void> {
  await symlink(database.folder, join(work, WORKPLACE.cache, DATABASES[kind].folder));
}

async function runTrivy(
  options: ScanImageOptions,
  part: Part,
  input: TrivyInput,
  work: string,
  doing: string,
): Promise<void> {
  const { knowledge, trivy, scanners = DEFAULT_SCANNERS, timeoutMs, credentials, signal } = options;
  const store = "store" in knowledge ? knowledge.store : undefined;
  const server = "store" in knowledge ? undefined : knowledge;
  const args = imageArguments({
    input,
    scanners,
    timeoutMs,
    ...(part.platform === undefined || input.from !== "remote" ? {} : { platform: part.platform }),
    ...(server === undefined ? {} : { server: server.server }),
    ...(options.insecure === undefined ? {} : { insecure: options.insecure }),
  });
  // Trivy ends by its own timeout, with words about what it was at; ours is for one that hangs.
  const call = { doing, cwd: work, deadlineMs: timeoutMs + HANGS_MS, ...(signal === undefined ? {} : { signal }) };
  const env = {
    ...(input.from === "docker" ? options.engine : {}),
    ...(server?.token === undefined ? {} : { TRIVY_TOKEN: server.token }),
    ...(credentials === undefined
      ? {}
      : { TRIVY_USERNAME: credentials.username, TRIVY_PASSWORD: credentials.password }),
  };
  // One that is too old is no hindrance for an image that has no archive.
  const java = await store?.usable("java");
  if (store !== undefined && java !== undefined) await lend(work, "java", await store.take("java", signal));
  try {
    await trivy.run(args, { ...call, env });
  } catch (error) {
    const wanted = error instanceof TrivyFailed && error.says(wantsJavaDatabase);
    if (store === undefined || java !== undefined || !wanted) throw error;
    await lend(work, "java", await store.take("java", signal));
    await trivy.run(args, { ...call, env });
  }
}

function checkServerAge(report: ScanReport, server: { maxAgeMs: number; now: Date }, doing: string): void {
  const { database } = report;
  const next = "Update the server, or raise `max-db-age`.";
  if (database === undefined) {
    throw new ScanError("stale_database", { doing, got: "the server does not tell the age of its database", next });
  }
  if (server.now.getTime() - Date.parse(database.updatedAt) <= server.maxAgeMs) return;
  throw new ScanError("stale_database", { doing, got: `the server's is of ${database.updatedAt}`, next });
}
