import {
  type Digest,
  type ErrorCode,
  type ImageIdentity,
  isBelayError,
  type Platform,
  parseReference,
  pinnedReference,
} from "@belay/core";
import type { Docker } from "@belay/docker";
import type { RegistryClient } from "@belay/registry";
import { type CouldNotScan, couldNotScan, ScanError, type ScanImageOptions, type ScanObstacle } from "@belay/scan";
import type { RegistryAccess } from "../access/registry-access.ts";
import { hasLayout, layoutPath } from "../run/places.ts";

/** What is asked for images before they are scanned. */
export interface ImageSources {
  readonly docker: () => Promise<Docker>;
  readonly registries: () => Promise<RegistryAccess>;
  /** Whether a registry may be spoken to without TLS. */
  readonly insecure: (registry: string) => Promise<boolean>;
  /** Where the build left its layouts. */
  readonly releasePath: string;
  /** Platforms that images which were not built here are looked at for, if they have them. */
  readonly platforms: readonly Platform[];
}

/** An image where it is, and what it has to be. */
export type PlacedImage = Pick<ScanImageOptions, "subject" | "credentials" | "insecure" | "engine"> & {
  readonly identity: ImageIdentity;
};

/**
 * Where the image of a service is to be had: pushed, it is the registry's by digest; a layout of the build; else an image
 * of the engine by its ID. What hinders that is a scan that did not happen.
 */
export async function placeImage(
  sources: ImageSources,
  service: string,
  image: ImageIdentity,
): Promise<PlacedImage | CouldNotScan> {
  const doing = `looking for the image of ${service}`;
  try {
    if (image.digest !== undefined) return await atRegistry(sources, image, doing);
    if (hasLayout(sources.releasePath, service)) {
      return { subject: { kind: "layout", path: layoutPath(sources.releasePath, service) }, identity: image };
    }
    const docker = await sources.docker();
    const subject = { kind: "engine", id: await idOf(docker, image, doing) } as const;
    return { subject, engine: await docker.dialEnvironment(), identity: image };
  } catch (error) {
    if (error instanceof ScanError) return couldNotScan(error);
    const obstacle = isBelayError(error) ? OBSTACLES[error.code] : undefined;
    if (!isBelayError(error) || obstacle === undefined) throw error;
    const { got, next } = error;
    return couldNotScan(new ScanError(obstacle, { doing, got, cause: error, ...(next === undefined ? {} : { next }) }));
  }
}

/** An engine, a registry or a program that can't be used. An address or a context that is wrong is the input's fault. */
const OBSTACLES: Partial<Record<ErrorCode, ScanObstacle>> = {
  REGISTRY_UNAUTHORISED: "unauthorised",
  REGISTRY_UNREACHABLE: "unreachable",
  REGISTRY_ERROR: "unreachable",
  ENGINE_UNREACHABLE: "unreachable",
  ENGINE_FORBIDDEN: "unreachable",
  ENGINE_TLS: "unreachable",
  ENGINE_HOST_KEY: "unreachable",
  ENGINE_TOO_OLD: "unreachable",
  ENGINE_ERROR: "unreachable",
  // The docker command line or ssh, which dial the engine; a helper that has the registry's password.
  TOOL_MISSING: "unreachable",
  TOOL_TOO_OLD: "unreachable",
  PROCESS_FAILED: "unreachable",
  TIMED_OUT: "timed_out",
};

async function atRegistry(sources: ImageSources, image: ImageIdentity, doing: string): Promise<PlacedImage> {
  const reference = pinnedReference(image) ?? "";
  const { client, auth } = await sources.registries();
  const identity = await identityAt(sources, client, image, doing);
  const registry = parseReference(reference)?.registry ?? "";
  const found = await auth.credentialsFor(registry);
  // What stands in the docker config Trivy finds by itself. It has to where this is no password but an identity token, or has
  // commas or blanks, as Google's keys have: Trivy splits its variables there (`pkg/flag/options.go`, `cast`).
  const usable =
    found !== undefined && found.identityToken === undefined && !/[,\s]/.test(`${found.username}${found.password}`);
  return {
    subject: { kind: "registry", reference },
    identity,
    insecure: await sources.insecure(registry),
    ...(usable ? { credentials: { username: found.username, password: found.password } } : {}),
  };
}

/** An image that was not built here has no platforms in the release: the registry tells them. */
async function identityAt(
  { platforms }: ImageSources,
  client: RegistryClient,
  image: ImageIdentity,
  doing: string,
): Promise<ImageIdentity> {
  if (Object.keys(image.platforms).length > 0) return image;
  const resolved = await client.resolve(pinnedReference(image) ?? "");
  if (resolved === undefined) {
    const got = `the registry has no ${pinnedReference(image)}`;
    throw new ScanError("image_not_found", { doing, got, next: "Correct the digest in belay.yaml." });
  }
  const all = Object.entries(resolved.platforms);
  const wanted = all.filter(([platform]) => platforms.includes(platform));
  return { ...image, platforms: Object.fromEntries(wanted.length > 0 ? wanted : all) };
}

/** The name under which this engine knows the image: its config, with the containerd store its index or manifest. */
async function idOf(docker: Docker, image: ImageIdentity, doing: string): Promise<Digest> {
  const [platform] = Object.values(image.platforms);
  const ids = [platform?.config, image.index, platform?.manifest].filter((id): id is Digest => id !== undefined);
  const { isNotFound } = await import("@belay/docker");
  for (const id of ids) {
    try {
      await docker.images.inspect(id);
      return id;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  const got = `this engine does not have the image ${ids.join(" or ")}`;
  throw new ScanError("image_not_found", { doing, got, next: "Scan it in the job that built it." });
}
