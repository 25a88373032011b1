import type { ScanSettings } from "@belay/config";
import { oneLine } from "@belay/core";
import type { SourceDockerfile } from "@belay/images";
import {
  type CouldNotScan,
  configScanners,
  couldNotScan,
  type DockerfileScan,
  type ImageScan,
  ScanError,
  scanDockerfiles,
  withDockerfile,
} from "@belay/scan";
import type { PipelineContext } from "../run/context.ts";
import type { Scanner } from "./open-scanner.ts";
import type { ScanWork } from "./scan-release.ts";

/** By service. */
export type OwnDockerfiles = ReadonlyMap<string, SourceDockerfile>;

/** By service: what was found in it, or why nobody could look. */
export type DockerfileScans = ReadonlyMap<string, DockerfileScan | CouldNotScan>;

/** The Dockerfiles in the checkout that these services were built from, where anything is looked for that one can have. */
export async function findOwnDockerfiles(
  { context, settings, release, event }: ScanWork,
  services: readonly string[],
): Promise<OwnDockerfiles> {
  // A release that tells of no build needs nothing of what looks for Dockerfiles.
  const told = Object.keys(release.evidence.build?.inputs ?? {}).length > 0;
  if (!told || configScanners(settings.scanners).length === 0) return new Map();
  const { findDockerfiles } = await import("@belay/images");
  const { runner, env, log } = context;
  const { directory } = settings;
  const given = event === undefined ? {} : { event };
  const found = await findDockerfiles({ release, services, directory, runner, env, ...given });
  const here = new Map<string, SourceDockerfile>();
  for (const [service, one] of found) {
    if ("path" in one) here.set(service, one);
    else log.info(`${service}: its Dockerfile is not here, and only its image is scanned: ${one.missing}.`);
  }
  return here;
}

/** Beside the images, which may take long. What hinders it is part of the result. @throws the signal's reason */
export async function scanOwnDockerfiles(
  context: PipelineContext,
  { trivy, reports }: Scanner,
  settings: ScanSettings,
  found: OwnDockerfiles,
): Promise<DockerfileScans> {
  const { scanners, timeoutMs } = settings;
  const { signal, log } = context;
  const services = [...found.keys()];
  try {
    const scans = await scanDockerfiles({
      ...{ trivy, reports, scanners, timeoutMs, signal },
      dockerfiles: [...found.values()],
    });
    const own = new Map<string, DockerfileScan>();
    for (const [index, scan] of scans.entries()) {
      const service = services[index] ?? "";
      own.set(service, scan);
      if (scan.checked || !scanners.includes("misconfig")) continue;
      log.warn(`${service}: Trivy can't parse ${oneLine(scan.path)}. What the image's history tells of it counts.`);
    }
    return own;
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    return new Map(services.map((service) => [service, couldNotScan(error)]));
  }
}

/** What was found in a service's image and in its Dockerfile: nobody knows the one without the other. */
export function foundInBoth(found: ImageScan, dockerfile: DockerfileScan | CouldNotScan | undefined): ImageScan {
  if (dockerfile === undefined) return found;
  if ("obstacle" in dockerfile) return { ...found, obstacles: [...found.obstacles, dockerfile] };
  return { ...found, scans: found.scans.map((scan) => withDockerfile(scan, dockerfile)) };
}

/** Of a Dockerfile at the commit that runs: what was found in it, or why nobody could look. */
export type DockerfileBefore = DockerfileScan | { readonly missing: string };

/** The same Dockerfiles at the commit that runs, by path, where git has them. */
export async function scanDockerfilesBefore(
  context: PipelineContext,
  { trivy, reports }: Scanner,
  settings: ScanSettings,
  { paths, revision }: { readonly paths: readonly string[]; readonly revision: string | undefined },
): Promise<ReadonlyMap<string, DockerfileBefore>> {
  const { runner, signal, log } = context;
  const { scanners, timeoutMs, directory } = settings;
  if (paths.length === 0) return new Map();
  if (revision === undefined) return without(paths, "the ledger does not tell of which commit it is that runs");
  const { dockerfileAt } = await import("@belay/images");
  const texts = await Promise.all(paths.map((path) => dockerfileAt(runner, directory, revision, path)));
  const dockerfiles = paths.flatMap((path, index) => {
    const text = texts[index];
    return text === undefined ? [] : [{ path, text }];
  });
  const here = dockerfiles.map(({ path }) => path);
  const commit = `commit ${oneLine(revision).slice(0, 12)}, which runs`;
  const none = without(
    paths.filter((path) => !here.includes(path)),
    `git does not have it here as of ${commit} (\`fetch-depth: 0\` of actions/checkout fetches earlier commits)`,
  );
  try {
    const scans = await scanDockerfiles({ trivy, reports, scanners, timeoutMs, signal, dockerfiles });
    return new Map([...none, ...scans.map((scan) => [scan.path, scan] as const)]);
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    log.warn(`What runs is compared without its Dockerfiles: ${error.message}`);
    return new Map([...none, ...without(here, `it could not be scanned as of ${commit}: ${oneLine(error.got, 200)}`)]);
  }
}

function without(paths: readonly string[], missing: string): ReadonlyMap<string, DockerfileBefore> {
  return new Map(paths.map((path) => [path, { missing }]));
}

/** Why not all that a Dockerfile tells can be compared with the one of what runs; `undefined`: it can. */
export function whyUncompared(now: DockerfileScan, before: DockerfileBefore | undefined): string | undefined {
  if (before === undefined) return undefined;
  if ("missing" in before) return before.missing;
  return now.checked && !before.checked
    ? "Trivy can't parse it as of the commit that runs, and could only look for secrets"
    : undefined;
}
