import {
  BelayError,
  type Clock,
  type Digest,
  deriveRelease,
  type ImageIdentity,
  isBelayError,
  isOwn,
  type Log,
  mapBounded,
  type Release,
} from "@belay/core";
import type { Images } from "@belay/docker";
import type { Authenticator } from "./authenticator.ts";
import type { ResolvedImage } from "./manifest.ts";
import { pushTag } from "./push-tag.ts";
import type { RegistryClient } from "./registry-client.ts";
import { differenceOf } from "./same-image.ts";
import { SharedBlobs } from "./shared-blobs.ts";

/** What of the engine a push needs. */
export interface PushEngine {
  readonly images: Pick<Images, "tag" | "push">;
}

export interface PushReleaseOptions {
  readonly release: Release;
  /** The engine that built the images that are in no layout. Asked for at the first of them. */
  readonly docker: PushEngine | (() => Promise<PushEngine>);
  /** Folder with a service's image as OCI image layout, where the build left one. Default: there are none. */
  readonly layoutOf?: (service: string) => Promise<string | undefined>;
  readonly registry: RegistryClient;
  readonly auth: Authenticator;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Images side by side. Default 2. */
  readonly maxParallel?: number;
  /** 0 to 1, spreads the pauses between tries. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Pushes every image of a release and proves by reading back that the registry serves exactly what the release names.
 *
 * 1. Nothing is pushed before every SHA tag was looked at: absent, or the same image (then it is not pushed again),
 *    or another one, which is refused.
 * 2. A. An image that the build left as a layout is pushed by Belay itself, exactly these bytes, without a tag. When the
 *       registry serves it by its digest, and nobody has taken the SHA tag in between, it gets that tag.
 *    B. Any other is pushed by the engine under the SHA tag.
 *    What the registry then serves must be the image of the release: each platform's config, and what else is known.
 * 3. When all images are there, those that were there already are looked at once more, as the pushes of the others may have
 *    taken long. Then the other tags are given to those very manifests, and read back too.
 *
 * Images of others (a digest, no build) are only looked for. Writes no file. The scan gate stands before this.
 * @throws BelayError TAG_TAKEN (nothing was pushed), PUSH_FAILED, IDENTITY_MISMATCH, and those of the registry client.
 */
export async function pushRelease(options: PushReleaseOptions): Promise<Release> {
  const { release, clock, log } = options;
  const services = Object.entries(release.services);
  const side = options.maxParallel ?? 2;
  const shared = new SharedBlobs();
  const plans = await mapBounded(services, side, options.signal, ([name, image]) => examine(options, name, image));
  const pushed = await mapBounded(plans, side, options.signal, async (plan, signal) => {
    if (plan.external) return { plan };
    return { plan, served: plan.there ?? (await pushImage({ ...options, signal, shared }, plan)) };
  });
  // Only now: when one of them could not be pushed, no `latest` speaks of half a release.
  const tagged = await mapBounded(pushed, side, options.signal, async ({ plan, served }) => {
    if (served === undefined) return [plan.name, plan.image] as const;
    if (plan.there !== undefined) await requireUnmoved(options, plan, served);
    await moveTags(options, plan, served);
    log.info(`${plan.name}: ${plan.image.repository}@${served.digest} carries ${plan.image.tags.join(", ")}`);
    return [plan.name, identityOf(plan.image, served)] as const;
  });
  const pushedAt = clock.date().toISOString();
  return deriveRelease(release, {
    stage: "push",
    services: Object.fromEntries(tagged),
    evidence: { push: { pushedAt } },
    createdAt: pushedAt,
  });
}

interface PushPlan {
  readonly name: string;
  readonly image: ImageIdentity;
  readonly shaTag: string;
  /** Not built here. */
  readonly external: boolean;
  /** What the registry serves under the SHA tag already: the same image. */
  readonly there?: ResolvedImage;
}

async function examine({ registry, log }: PushReleaseOptions, name: string, image: ImageIdentity): Promise<PushPlan> {
  const doing = `looking at ${image.repository} before the push`;
  const external = !isOwn(image);
  if (external) {
    await requireExternal(registry, doing, image);
    return { name, image, external, shaTag: "" };
  }
  const [shaTag] = image.tags;
  if (shaTag === undefined) {
    const got = `the release has no tag for ${name}`;
    throw new BelayError("RELEASE_INVALID", { doing, got, next: "Build it with Belay's build step." });
  }
  const there = await registry.resolve(`${image.repository}:${shaTag}`);
  if (there === undefined) return { name, image, external, shaTag };
  const difference = differenceOf(image, there);
  if (difference !== undefined) throw tagTaken(image, shaTag, `${difference}; nothing was pushed`);
  log.info(`${name}: ${image.repository}:${shaTag} is there already, the same image`);
  return { name, image, external, shaTag, there };
}

async function requireExternal(registry: RegistryClient, doing: string, image: ImageIdentity): Promise<void> {
  const found = image.digest && (await registry.manifest(image.repository, image.digest));
  if (found !== undefined) return;
  const got = `the registry has no ${image.repository}@${image.digest ?? "(no digest)"}`;
  throw new BelayError("PUSH_FAILED", { doing, got, next: "Correct the digest in belay.yaml." });
}

function tagTaken(image: ImageIdentity, shaTag: string, difference: string): BelayError {
  return new BelayError("TAG_TAKEN", {
    doing: `looking at ${image.repository}:${shaTag} before the push`,
    got: `the tag holds another image (${difference}), and a SHA tag is never moved`,
    next: `This commit was built and pushed before: deploy that release (\`release: ${image.repository}:${shaTag}\`), or make a new commit.`,
  });
}

interface PushContext extends PushReleaseOptions {
  readonly signal: AbortSignal;
  readonly shared: SharedBlobs;
}

async function pushImage(options: PushContext, plan: PushPlan): Promise<ResolvedImage> {
  const { image, shaTag, name } = plan;
  const reference = `${image.repository}:${shaTag}`;
  const path = await options.layoutOf?.(name);
  if (path === undefined) await pushByEngine(options, plan, reference);
  else await pushBytes(options, plan, path);
  return readBack(options, image, reference);
}

/** Way A. The tag comes last: an upload that ends half-way leaves nothing that anybody could deploy. */
async function pushBytes(options: PushContext, plan: PushPlan, path: string): Promise<void> {
  const { image, shaTag, name: service } = plan;
  const { pushLayout } = await import("./push-layout.ts");
  const top = await pushLayout({ ...options, path, image, service });
  await readBack(options, image, `${image.repository}@${top.digest}`);
  await requireFree(options, plan);
  await options.registry.putManifest(image.repository, shaTag, top);
}

/** Way B. */
async function pushByEngine(options: PushContext, plan: PushPlan, reference: string): Promise<void> {
  if (Object.keys(plan.image.platforms).length > 1 && plan.image.index === undefined) {
    throw new BelayError("PUSH_FAILED", {
      doing: `pushing ${reference}`,
      got: "it has several platforms and is not on disk, and an engine pushes one",
      next: "Build it with a builder that writes image layouts (`docker buildx create --driver docker-container`), and keep the folder `images` beside the release.",
    });
  }
  const docker = typeof options.docker === "function" ? await options.docker() : options.docker;
  const prepare = async (): Promise<void> => {
    await nameLocally(docker, plan.image, reference);
    await requireFree(options, plan);
  };
  await pushTag({ ...options, docker, reference, service: plan.name, prepare });
}

async function readBack(
  { registry }: PushReleaseOptions,
  image: ImageIdentity,
  reference: string,
): Promise<ResolvedImage> {
  const served = await registry.resolve(reference);
  const difference = served === undefined ? "the registry does not know it" : differenceOf(image, served);
  if (served !== undefined && difference === undefined) return served;
  throw mismatch(`reading ${reference} back after the push`, difference ?? "");
}

/**
 * Registries have no "put if absent": whoever takes the SHA tag between the first look and the put is found here, so
 * that only a moment of two requests is left open. Immutable tags at the registry close it.
 */
async function requireFree({ registry }: PushReleaseOptions, { image, shaTag }: PushPlan): Promise<void> {
  const taken = await registry.manifest(image.repository, shaTag);
  if (taken === undefined) return;
  const served = await registry.resolve(`${image.repository}@${taken.digest}`);
  const difference = served === undefined ? "it is gone again" : differenceOf(image, served);
  if (difference !== undefined) throw tagTaken(image, shaTag, `somebody put it there during this push; ${difference}`);
}

/** Who looked at the tag before the push has not been told what became of it since. */
async function requireUnmoved({ registry }: PushReleaseOptions, plan: PushPlan, served: ResolvedImage): Promise<void> {
  const { image, shaTag } = plan;
  const now = await registry.manifest(image.repository, shaTag);
  if (now?.digest === served.digest) return;
  const got = `it is ${now?.digest ?? "gone"}, though ${served.digest} was there before the push`;
  throw mismatch(`reading ${image.repository}:${shaTag} back after the push`, got);
}

/** By the image's own id, at the last moment: a local tag may have been given to another image since the build. */
async function nameLocally(docker: PushEngine, image: ImageIdentity, reference: string): Promise<void> {
  const [platform] = Object.values(image.platforms);
  const ids = [platform?.config, image.index, platform?.manifest].filter((id): id is Digest => id !== undefined);
  let last: unknown;
  for (const id of ids) {
    try {
      await docker.images.tag(id, reference);
      return;
    } catch (error) {
      if (!isBelayError(error, "ENGINE_ERROR")) throw error;
      last = error;
    }
  }
  throw new BelayError("PUSH_FAILED", {
    doing: `pushing ${reference}`,
    got: `this engine does not have the image ${ids.join(" or ")}`,
    next: "Push from the engine that built it, in the same job. An image that was built to disk is in the folder `images` beside the release: it has to come along.",
    cause: last,
  });
}

/** The registry gives the other tags to the manifest that was proven: no second upload, no other content possible. */
async function moveTags({ registry, log }: PushReleaseOptions, plan: PushPlan, served: ResolvedImage): Promise<void> {
  const { repository, tags } = plan.image;
  for (const tag of tags.slice(1)) {
    const before = await registry.manifest(repository, tag);
    if (before?.digest === served.digest) continue;
    if (before !== undefined) log.info(`${plan.name}: ${tag} moves from ${before.digest} to ${served.digest}`);
    await registry.putManifest(repository, tag, served.manifest);
    const after = await registry.manifest(repository, tag);
    if (after?.digest === served.digest) continue;
    const got = `${repository}:${tag} is ${after?.digest ?? "gone"}, though ${served.digest} was just put there`;
    throw mismatch(`reading ${repository}:${tag} back after the push`, got);
  }
}

function mismatch(doing: string, got: string): BelayError {
  const next = "Somebody else writes these tags too: see who does, then run again.";
  return new BelayError("IDENTITY_MISMATCH", { doing, got, next });
}

function identityOf(image: ImageIdentity, served: ResolvedImage): ImageIdentity {
  return {
    ...image,
    platforms: served.platforms,
    ...(served.index === undefined ? {} : { index: served.index }),
    digest: served.digest,
  };
}
