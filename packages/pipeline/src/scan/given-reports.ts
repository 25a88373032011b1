import { relative, resolve } from "node:path";
import type { ScanSettings } from "@belay/config";
import {
  BelayError,
  formatDuration,
  type ImageIdentity,
  messageOf,
  oneLine,
  type Platform,
  parseJson,
  readJobFile,
} from "@belay/core";
import {
  type CouldNotScan,
  couldNotScan,
  type DatabaseVersion,
  databaseFileOf,
  findingKey,
  type ImageScan,
  maskReport,
  type PlatformScan,
  parseReport,
  parseScope,
  ScanError,
  type ScanReport,
  type ScanScope,
  scopeFileOf,
  trivysOwnDatabase,
} from "@belay/scan";
import type { PipelineContext } from "../run/context.ts";
import { cacheFolder } from "./open-scanner.ts";

/** Those of large images have some tens of megabytes. */
const LARGEST_REPORT = 256 * 1024 * 1024;

/**
 * What reports that somebody else's step made say of each image, in the order of the images.
 * @throws BelayError INVALID_INPUT, also for two reports of one image that say different things; ScanError
 */
export async function givenReports(
  context: PipelineContext,
  settings: ScanSettings,
  paths: readonly string[],
  images: readonly (readonly [service: string, image: ImageIdentity])[],
): Promise<readonly ImageScan[]> {
  const scans = await Promise.all(
    paths.map(async (path): Promise<GivenReport> => ({ path, ...(await readGiven(context, settings, path)) })),
  );
  for (const scan of scans) requireKnown(scan, images);
  return images.map(([service, image]): ImageScan => {
    const found = Object.keys(image.platforms).map((platform) => [platform, scanOf(scans, image, platform)] as const);
    const missing = found.filter(([, scan]) => scan === undefined).map(([platform]) => notGiven(service, platform));
    const own = found.flatMap(([, scan]) => scan ?? []);
    const stale = whyStale(context, settings, own);
    if (stale !== undefined) return { scans: [], obstacles: [stale, ...missing] };
    return { scans: own, obstacles: missing };
  });
}

interface GivenReport extends PlatformScan {
  /** As the workflow names it. */
  readonly path: string;
}

async function readGiven(context: PipelineContext, settings: ScanSettings, path: string): Promise<PlatformScan> {
  const { workingDirectory } = context;
  const file = resolve(workingDirectory, path);
  let json: string;
  try {
    json = maskReport(await readJobFile(file, LARGEST_REPORT));
  } catch (error) {
    const next = "Give the path of a report that `trivy image --format json` wrote in a step before.";
    const doing = `reading the report ${relative(workingDirectory, file)}`;
    throw new BelayError("INVALID_INPUT", { doing, got: messageOf(error), next, cause: error });
  }
  const scope = await scopeBeside(file);
  const { database: told, ...report } = parseReport(json);
  const others = (await databasesBeside(file)) ?? (await databasesInCache(cacheFolder(context, settings)));
  // A report of a server tells the server's: the one that is here is another.
  const database = asVersion(told) ?? others.database;
  const known = {
    ...(database === undefined ? {} : { database }),
    ...(scope === undefined ? {} : { scope }),
    ...(others.java === undefined || !hasArchives(report) ? {} : { javaDatabase: others.java }),
  };
  return { report: { ...report, ...known }, json, cached: false };
}

/** What `actions/trivy`, or whoever else made a report, leaves beside it: what was looked for. */
async function scopeBeside(file: string): Promise<ScanScope | undefined> {
  const beside = scopeFileOf(file);
  const text = await readJobFile(beside).catch(() => undefined);
  return text === undefined ? undefined : parseScope(text, beside);
}

interface Databases {
  readonly database?: DatabaseVersion | undefined;
  /** The one that names Java archives. */
  readonly java?: DatabaseVersion | undefined;
}

/** Also beside it: which databases it was made with. */
async function databasesBeside(file: string): Promise<Databases | undefined> {
  const text = await readJobFile(databaseFileOf(file)).catch(() => undefined);
  if (text === undefined) return undefined;
  const doing = `reading ${databaseFileOf(file)}`;
  let told: unknown;
  try {
    told = parseJson(text);
  } catch (error) {
    throw new ScanError("broken_report", { doing, got: messageOf(error), cause: error });
  }
  const database = asVersion(told);
  if (database === undefined) throw new ScanError("broken_report", { doing, got: "it tells no database" });
  return { database, java: asVersion((told as { java?: unknown }).java) };
}

async function databasesInCache(cache: string): Promise<Databases> {
  const [database, java] = await Promise.all([
    trivysOwnDatabase(cache, "vulnerabilities"),
    trivysOwnDatabase(cache, "java"),
  ]);
  return { database: asVersion(database), java: asVersion(java) };
}

function asVersion(value: unknown): DatabaseVersion | undefined {
  const { schema, updatedAt } = (value ?? {}) as Partial<DatabaseVersion>;
  if (typeof schema !== "number" || typeof updatedAt !== "string" || Number.isNaN(Date.parse(updatedAt)))
    return undefined;
  return { schema, updatedAt };
}

function hasArchives({ coverage }: Pick<ScanReport, "coverage">): boolean {
  return coverage.libraries.includes("jar");
}

/** A report of anything else is a mistake of the workflow, or somebody's wish that it were taken for this image's. */
function requireKnown({ report }: PlatformScan, images: readonly (readonly [string, ImageIdentity])[]): void {
  if (images.some(([, image]) => Object.keys(image.platforms).some((platform) => isOf(report, image, platform))))
    return;
  throw new ScanError("wrong_image", {
    doing: `reading the report of ${report.image}`,
    got: `it is of ${report.imageId ?? "no image"}, which is none of the release (${images.map(([name]) => name).join(", ")})`,
    next: "Scan the image that the build step made, by its ID or digest.",
  });
}

function isOf(report: ScanReport, image: ImageIdentity, platform: Platform): boolean {
  const { config, manifest } = image.platforms[platform] ?? {};
  const only = Object.keys(image.platforms).length === 1 ? image.index : undefined;
  return report.imageId !== undefined && [config, manifest, only].includes(report.imageId as never);
}

/** Two services may have one image, and a report each. Where they differ, what one of them found must not get lost. */
function scanOf(scans: readonly GivenReport[], image: ImageIdentity, platform: Platform): PlatformScan | undefined {
  const [first, ...others] = scans.filter(({ report }) => isOf(report, image, platform));
  if (first === undefined) return undefined;
  const other = others.find(({ report }) => contentOf(report) !== contentOf(first.report));
  if (other !== undefined) {
    throw new BelayError("INVALID_INPUT", {
      doing: `reading the reports of ${image.repository} (${platform})`,
      got: `${first.path} and ${other.path} are both of this image, and say different things of it`,
      next: "Give one report of each image and platform, made by one scan that looks for everything.",
    });
  }
  const { path: _told, ...scan } = first;
  return scan;
}

/** All that the gate goes by, but for the names under which the image was scanned, which stand in some places. */
function contentOf({ scope, coverage, findings }: ScanReport): string {
  return JSON.stringify([scope, coverage, findings.map((one) => [findingKey(one), one.severity].join()).sort()]);
}

function notGiven(service: string, platform: Platform): CouldNotScan {
  const doing = `looking for the report of ${service} (${platform})`;
  const error = new ScanError("image_not_found", { doing, got: "none was given", next: "Scan every platform." });
  return couldNotScan(error, platform);
}

/** Reports that don't look for vulnerabilities are made without a database. */
function whyStale(
  { clock }: PipelineContext,
  { maxDbAgeMs, maxJavaDbAgeMs }: ScanSettings,
  scans: readonly PlatformScan[],
): CouldNotScan | undefined {
  const now = clock.date().getTime();
  for (const { report } of scans) {
    const why =
      report.scope?.scanners.includes("vuln") === false
        ? undefined
        : (whyOld(report, now, maxDbAgeMs) ?? whyJavaOld(report, now, maxJavaDbAgeMs));
    if (why === undefined) continue;
    const doing = `looking at the age of the database that the report of ${oneLine(report.image)} was made with`;
    return couldNotScan(new ScanError("stale_database", { doing, ...why }));
  }
  return undefined;
}

/**
 * Trivy's reports don't tell their database, unless a server has it: where nothing stands beside one, it is taken for the one
 * in the cache folder. One that is younger than the report can't have been it, and none is younger than the report made with it.
 */
function whyOld(
  { createdAt, database }: ScanReport,
  now: number,
  most: number,
): { readonly got: string; readonly next: string } | undefined {
  if (database === undefined) {
    const next = "Name Trivy's cache folder with `scan-cache-dir`, or TRIVY_CACHE_DIR.";
    return { got: "nobody knows which one it was", next };
  }
  const [madeAt, updatedAt] = [Date.parse(createdAt ?? ""), Date.parse(database.updatedAt)];
  const again = "Scan again, and give the report that comes of it.";
  if (Number.isNaN(madeAt)) return { got: "the report does not tell when it was made", next: again };
  if (updatedAt > madeAt) {
    const got = `the report is of ${createdAt}, and the database that is here was made after that (${database.updatedAt})`;
    return { got, next: again };
  }
  const allowed = `${formatDuration(most)} is allowed`;
  if (now - madeAt > most) return { got: `the report is ${formatDuration(now - madeAt)} old, ${allowed}`, next: again };
  if (now - updatedAt <= most) return undefined;
  const got = `it was made ${formatDuration(now - updatedAt)} ago, ${allowed}`;
  return { got, next: "Let it be updated, or raise `max-db-age`." };
}

/** Without it archives that don't name themselves have no name in the report. */
function whyJavaOld(
  report: ScanReport,
  now: number,
  most: number,
): { readonly got: string; readonly next: string } | undefined {
  if (!hasArchives(report)) return undefined;
  const { javaDatabase } = report;
  if (javaDatabase === undefined) {
    const next =
      'Tell it as "java" in the `….database.json` beside the report (docs/scan.md), or without such a file name the cache folder of Trivy with `scan-cache-dir`.';
    return { got: "nobody knows which one named its Java archives", next };
  }
  const age = now - Date.parse(javaDatabase.updatedAt);
  if (age <= most) return undefined;
  return {
    got: `the one of Java archives was made ${formatDuration(age)} ago, ${formatDuration(most)} is allowed`,
    next: "Let it be updated, or raise `max-java-db-age`.",
  };
}
