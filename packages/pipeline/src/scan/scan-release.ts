import type { ScanSettings } from "@belay/config";
import {
  type Digest,
  deriveRelease,
  type ImageIdentity,
  isOwn,
  oneLine,
  type Release,
  type ScanSummary,
  writeRelease,
} from "@belay/core";
import type { Docker } from "@belay/docker";
import type { SourceEvent } from "@belay/images";
import { insecureRegistries } from "@belay/registry";
import {
  type CouldNotScan,
  type DockerfileScan,
  headlineOfScan,
  type ImageScan,
  ScanError,
  scanTable,
  withDockerfileBefore,
} from "@belay/scan";
import type { EngineOnDemand } from "../access/engine-on-demand.ts";
import { type RegistryAccess, registryAccess } from "../access/registry-access.ts";
import { keepScanSummary } from "../report/scan-told.ts";
import type { PipelineContext } from "../run/context.ts";
import type { ScanInputs } from "../run/use-case-inputs.ts";
import { type RunningImages, runningImages } from "../status/running-images.ts";
import { type GatedService, gateServices, type ScannedImage, tellGates } from "./gate-services.ts";
import { givenReports } from "./given-reports.ts";
import { openScanner, type Scanner } from "./open-scanner.ts";
import {
  type DockerfileBefore,
  findOwnDockerfiles,
  foundInBoth,
  scanDockerfilesBefore,
  scanOwnDockerfiles,
  whyUncompared,
} from "./own-dockerfiles.ts";
import { type ImageSources, type PlacedImage, placeImage } from "./place-image.ts";
import type { Scanned } from "./scan.ts";
import { writeScanFiles } from "./scan-files.ts";
import { scanImages } from "./scan-images.ts";
import { readRules } from "./scan-rules.ts";

/** What there is to scan, and how. */
export interface ScanWork {
  readonly context: PipelineContext;
  readonly inputs: ScanInputs;
  readonly settings: ScanSettings;
  readonly release: Release;
  readonly path: string;
  readonly off: readonly string[];
  /** Closed by whoever opened it. */
  readonly engine: EngineOnDemand;
  /** Of the run, which tells what is checked out. */
  readonly event?: SourceEvent;
}

/** Scans, decides and writes everything down; what came of it is not thrown here. */
export async function scanRelease(work: ScanWork): Promise<Scanned> {
  const { context, inputs, settings, release, path, off } = work;
  const services = Object.entries(release.services).filter(([name]) => !off.includes(name));
  // First what needs no scan: a file that can't be read is told at once.
  const names = services.map(([name]) => name);
  const rules = await readRules(settings, names, context.workingDirectory);
  const opening = services.length === 0 ? Promise.resolve(undefined) : scannerFor(context, settings, inputs);
  // Awaited below: it is opened while the images are looked for.
  opening.then((one) => one && lookAhead(one, inputs, context)).catch(() => undefined);
  const images =
    services.length === 0 ? [] : await withSources(work, (sources) => lookAt(work, opening, sources, services));
  const scanner = await opening;
  const now = context.clock.date();
  const gated = gateServices(rules, images, now);
  const database = await databaseDigest(scanner, gated);
  const version = scanner?.trivy.version ?? images[0]?.found.scans[0]?.report.trivyVersion;
  const { evidence, summary } = tellGates(gated, off, {
    scannedAt: now.toISOString(),
    ...(version === undefined ? {} : { scanner: { name: "trivy", version } }),
    ...(database === undefined ? {} : { database }),
  });
  for (const one of gated) tellGate(context, one);
  tellDatabases(context, summary);
  const next = deriveRelease(release, { stage: "scan", evidence: { scan: evidence }, createdAt: now.toISOString() });
  await writeRelease(path, next);
  await keepScanSummary(context, summary);
  const files = services.length === 0 ? {} : await writeScanFiles(context, scanner?.trivy, images, inputs.formats);
  return { release: next, releasePath: path, evidence, summary, gated, files };
}

function lookAhead({ knowledge }: Scanner, { reports }: ScanInputs, { signal }: PipelineContext): void {
  if (reports.length === 0 && "store" in knowledge) knowledge.store.takeAhead("vulnerabilities", signal);
}

/** Reports that were made before need no Trivy here; one that is there looks at what runs. */
async function scannerFor(
  context: PipelineContext,
  settings: ScanSettings,
  inputs: ScanInputs,
): Promise<Scanner | undefined> {
  if (inputs.reports.length === 0) return openScanner(context, settings, inputs.scanner, inputs.download);
  // What runs can be compared only when it is looked at with the database of the reports: a newer one is of no use.
  const here = { ...settings, updateDb: false };
  if (inputs.scanner !== undefined) return openScanner(context, here, inputs.scanner, inputs.download);
  try {
    return await openScanner(context, here, "installed");
  } catch (error) {
    if (!(error instanceof ScanError && error.obstacle === "no_scanner") || inputs.formats.length > 0) throw error;
    return undefined;
  }
}

async function withSources<T>(work: ScanWork, use: (sources: ImageSources) => Promise<T>): Promise<T> {
  const { context, inputs, release, path, engine } = work;
  const { signal } = context;
  const built = Object.values(release.services).flatMap((image) => Object.keys(image.platforms));
  let access: Promise<RegistryAccess> | undefined;
  const registries = (): Promise<RegistryAccess> => {
    access ??= engine.find().then((one) => registryAccess(context, one, inputs.githubToken));
    return access;
  };
  const insecure = async (registry: string): Promise<boolean> =>
    insecureRegistries(await (await engine.find())?.info({ signal }))(registry);
  const docker = (): Promise<Docker> => engine.connect();
  try {
    return await use({ docker, registries, insecure, releasePath: path, platforms: [...new Set(built)] });
  } finally {
    await access?.then(
      ({ client }) => client.close(),
      () => undefined,
    );
  }
}

type Services = readonly (readonly [string, ImageIdentity])[];

async function lookAt(
  work: ScanWork,
  opening: Promise<Scanner | undefined>,
  sources: ImageSources,
  services: Services,
): Promise<ScannedImage[]> {
  const { context, inputs, settings } = work;
  const { environment } = settings;
  const asking = environment === undefined ? undefined : runningImages(context, { ...inputs, environment });
  // Awaited below; a failure before that must not leave it unheard.
  asking?.catch(() => undefined);
  const images = await scanServices(work, opening, sources, services);
  const running = await asking;
  if (running === undefined) return images;
  return withBaselines(context, { settings, scanner: await opening, sources, running }, images);
}

async function scanServices(
  work: ScanWork,
  opening: Promise<Scanner | undefined>,
  sources: ImageSources,
  services: Services,
): Promise<ScannedImage[]> {
  const { context, inputs, settings } = work;
  const given = inputs.reports.length > 0;
  const own = services.flatMap(([name, image]) => (given || !isOwn(image) ? [] : [name]));
  const dockerfiles = findOwnDockerfiles(work, own);
  // Awaited below; a failure before that must not leave it unheard.
  dockerfiles.catch(() => undefined);
  const placed = await Promise.all(
    services.map(([name, image]) => (given && isOwn(image) ? undefined : placeImage(sources, name, image))),
  );
  const identities = services.map(([service, image], index): readonly [string, ImageIdentity] => {
    const place = placed[index];
    return [service, place !== undefined && "identity" in place ? place.identity : image];
  });
  const scanner = await opening;
  const none = { scans: [], obstacles: [] };
  if (scanner === undefined || given) {
    const found = await givenReports(context, settings, inputs.reports, identities);
    return identities.map(([service, identity], index) => ({ service, identity, found: found[index] ?? none }));
  }
  const images = placed.filter((one) => one !== undefined);
  const [found, files] = await Promise.all([
    scanImages(context, scanner, settings, images),
    dockerfiles.then((here) => scanOwnDockerfiles(context, scanner, settings, here)),
  ]);
  return identities.map(([service, identity], index) => {
    const dockerfile = files.get(service);
    const both = foundInBoth(found[index] ?? none, dockerfile);
    const looked = dockerfile === undefined || "obstacle" in dockerfile ? {} : { dockerfile };
    return { service, identity, found: both, ...looked };
  });
}

interface Comparing {
  readonly settings: ScanSettings;
  readonly scanner: Scanner | undefined;
  readonly sources: ImageSources;
  readonly running: RunningImages;
}

/** Scans what runs with the same database. */
async function withBaselines(
  context: PipelineContext,
  { settings, scanner, sources, running }: Comparing,
  images: readonly ScannedImage[],
): Promise<ScannedImage[]> {
  const impossible = (baseline: { readonly impossible: string }) => images.map((image) => ({ ...image, baseline }));
  if ("impossible" in running) return impossible(running);
  if (scanner === undefined) return impossible({ impossible: "there is no Trivy here to look at what runs" });
  const both = images.filter(({ service }) => running.images[service] !== undefined);
  const placed = await Promise.all(
    both.map(({ service, identity }): Promise<PlacedImage | CouldNotScan> => {
      const image = running.images[service] as ImageIdentity;
      return placeImage({ ...sources, platforms: Object.keys(identity.platforms) }, service, image);
    }),
  );
  const paths = [...new Set(both.flatMap(({ dockerfile }) => dockerfile?.path ?? []))];
  const [found, files] = await Promise.all([
    scanImages(context, scanner, settings, placed),
    scanDockerfilesBefore(context, scanner, settings, { paths, revision: running.revision }),
  ]);
  return images.map((image) => {
    const before = found[both.indexOf(image)];
    return before === undefined ? image : { ...image, ...comparedWith(before, image.dockerfile, files) };
  });
}

function comparedWith(
  { scans, obstacles }: ImageScan,
  now: DockerfileScan | undefined,
  files: ReadonlyMap<string, DockerfileBefore>,
): Pick<ScannedImage, "baseline" | "uncompared"> {
  const [first] = obstacles;
  if (first !== undefined) return { baseline: { impossible: `what runs could not be scanned: ${first.message}` } };
  if (now === undefined) return { baseline: scans.map(({ report }) => report) };
  const before = files.get(now.path);
  const known = before === undefined || "missing" in before ? undefined : before;
  const uncompared = whyUncompared(now, before);
  return {
    baseline: scans.map(({ report }) => withDockerfileBefore(report, now, known)),
    ...(uncompared === undefined ? {} : { uncompared }),
  };
}

async function databaseDigest(
  scanner: Scanner | undefined,
  gated: readonly GatedService[],
): Promise<Digest | undefined> {
  if (scanner === undefined || !("store" in scanner.knowledge)) return undefined;
  const used = gated.flatMap(({ gate }) => gate.database?.updatedAt ?? []);
  if (used.length === 0) return undefined;
  const database = await scanner.store.find("vulnerabilities");
  // Another run may have fetched a newer one meanwhile.
  return database !== undefined && used.includes(database.updatedAt)
    ? scanner.store.digest("vulnerabilities", database)
    : undefined;
}

function tellGate({ log }: PipelineContext, { service, gate }: GatedService): void {
  const table = scanTable(gate);
  if (table === "") log.info(`${service}: ${headlineOfScan(gate)}`);
  for (const line of table === "" ? [] : table.split("\n")) log.info(`${service}: ${line}`);
  for (const note of gate.notes) log.info(`${service}: ${note}`);
}

function tellDatabases({ log }: PipelineContext, { database, javaDatabase }: ScanSummary): void {
  for (const [what, one] of [
    ["vulnerabilities", database],
    ["Java archives", javaDatabase],
  ] as const) {
    if (one === undefined) continue;
    log.info(`The database of ${what} is of ${oneLine(one.updatedAt)}, ${Math.round(one.ageMs / 3_600_000)} h old.`);
  }
}
