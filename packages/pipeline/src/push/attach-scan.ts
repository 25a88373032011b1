import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  BelayError,
  type Digest,
  type ImageIdentity,
  isBelayError,
  isOwn,
  messageOf,
  type Release,
  readJobBytes,
  scanEvidence,
  sha256,
} from "@belay/core";
import { attachArtifact, type RegistryClient } from "@belay/registry";
import type { AttachKind } from "../run/attach-kind.ts";
import type { PipelineContext } from "../run/context.ts";
import { belayFolder, scanFolder } from "../run/places.ts";
import { SCAN_ENDINGS } from "../scan/scan-endings.ts";

interface Kind {
  readonly format: keyof typeof SCAN_ENDINGS;
  /** By which it is found. Those of others are their own; see IANA, and the specifications' pages. */
  readonly artifactType: string;
  readonly mediaType?: string;
}

const FORMATS: Readonly<Record<AttachKind, readonly Kind[]>> = {
  sbom: [
    { format: "cyclonedx", artifactType: "application/vnd.cyclonedx+json" },
    { format: "spdx-json", artifactType: "application/spdx+json" },
  ],
  scan: [
    { format: "json", artifactType: "application/vnd.belay.scan.trivy.v1+json", mediaType: "application/json" },
    { format: "sarif", artifactType: "application/sarif+json" },
  ],
};
/** More is not read back from a registry. */
const LARGEST = 16 * 1024 * 1024;
/** Of a report: those of large images have some tens of megabytes. */
const MOST_READ = 512 * 1024 * 1024;

export interface AttachScanOptions {
  readonly registry: RegistryClient;
  /** As pushed. */
  readonly release: Release;
  readonly kinds: readonly AttachKind[];
}

/**
 * Puts what the scan step of this job wrote beside the images that it speaks of. Only files of the very scan that the
 * release names are taken: they stand beside a report with the digest that is in the release. Images of others are scanned,
 * but nothing is put into their repositories.
 * @throws BelayError PUSH_FAILED
 */
export async function attachScan(context: PipelineContext, options: AttachScanOptions): Promise<void> {
  const { release, kinds } = options;
  const names = kinds.length === 0 ? new Map<Digest, string[]>() : await reportNames(context);
  for (const [service, { platforms }] of Object.entries(scanEvidence(release)?.services ?? {})) {
    const image = release.services[service];
    for (const [platform, { report }] of Object.entries(platforms)) {
      const name = report === undefined ? undefined : ownOf(names.get(report) ?? [], service, platform);
      if (image === undefined || !isOwn(image) || name === undefined) continue;
      for (const kind of kinds.flatMap((one) => FORMATS[one])) {
        await attachFile(context, options, { service, platform, image, name, kind });
      }
    }
  }
}

/** Services with one image have the same report, and what is made of it calls the image by the service's own repository. */
function ownOf(names: readonly string[], service: string, platform: string): string | undefined {
  const [os, architecture] = platform.split("/");
  const isOwnName = (name: string): boolean => name === service || name.startsWith(`${service}-${os}-${architecture}`);
  return names.find(isOwnName) ?? names[0];
}

/** Names without ending of the reports in the scan's folder, by their content. */
async function reportNames(context: PipelineContext): Promise<Map<Digest, string[]>> {
  const folder = join(scanFolder(context), "json");
  const names = new Map<Digest, string[]>();
  for (const file of (await ifThere(readdir(folder))) ?? []) {
    const ending = `.${SCAN_ENDINGS.json}`;
    if (!file.endsWith(ending)) continue;
    const report = sha256(await readBytes(context, "json", file));
    names.set(report, [...(names.get(report) ?? []), file.slice(0, -ending.length)]);
  }
  return names;
}

/** It is put where everybody can read it who can read the image, so that a link to another file must not be followed. */
async function readBytes(context: PipelineContext, format: string, file: string): Promise<Buffer> {
  try {
    return await readJobBytes(join(scanFolder(context), format, file), MOST_READ, belayFolder(context));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    const next = "Run the scan step in this job.";
    throw new BelayError("PUSH_FAILED", {
      doing: "reading what the scan left",
      got: messageOf(error),
      next,
      cause: error,
    });
  }
}

interface Place {
  readonly service: string;
  readonly platform: string;
  readonly image: ImageIdentity;
  readonly name: string;
  readonly kind: Kind;
}

async function attachFile(
  context: PipelineContext,
  { registry, release }: AttachScanOptions,
  { service, platform, image, name, kind }: Place,
): Promise<void> {
  const { log, clock, signal } = context;
  const { format, ...types } = kind;
  const file = `${name}.${SCAN_ENDINGS[format]}`;
  const bytes = await ifThere(readBytes(context, format, file));
  if (bytes === undefined || image.digest === undefined) return;
  if (bytes.byteLength > LARGEST) return log.warn(`${service}: ${file} is too large to be put beside its image.`);
  const created = scanEvidence(release)?.scannedAt ?? release.createdAt;
  const annotations = { "org.opencontainers.image.created": created, "vnd.belay.platform": platform };
  const artifact = { ...types, bytes, annotations };
  try {
    const place = { repository: image.repository, subject: image.digest };
    const { digest } = await attachArtifact({ registry, ...place, artifact, clock, log, signal });
    log.info(`${service}: ${types.artifactType} of ${platform} is beside the image (${digest})`);
  } catch (error) {
    if (!isBelayError(error, "REGISTRY_ERROR")) throw error;
    const got = `${error.got} The image itself is pushed`;
    const next = "A registry that takes no artifacts of this kind: set `attach: none`.";
    throw new BelayError("PUSH_FAILED", { doing: `attaching ${file} to its image`, got, next, cause: error });
  }
}

async function ifThere<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
