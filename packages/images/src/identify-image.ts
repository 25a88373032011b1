import { BelayError, type Digest, type ImageIdentity, type Source } from "@belay/core";
import { type ImageInspect, isNotFound } from "@belay/docker";
import type { Built, ImageEngine } from "./build-images.ts";
import { builtIdentity, usesContainerd } from "./built-identity.ts";
import { imageTags, type TagRules } from "./image-tags.ts";
import { isBuiltBefore } from "./is-built-before.ts";
import { layoutIdentity } from "./layout-identity.ts";

export interface IdentifyOptions {
  readonly source: Source;
  readonly docker: ImageEngine;
  readonly built: Built;
  /** Name without tag. */
  readonly repository: string;
  /** Default: Belay's own tags. */
  readonly rules?: TagRules;
}

/** An image that was built, as the release names it. */
export interface Identified {
  readonly image: ImageIdentity;
  /** For people: what the image is and where. */
  readonly what: string;
}

/**
 * Reads the identity back from where the image is, and gives it its tags: in an engine at once; an image on disk carries no
 * name, and gets it when it is pushed.
 * @throws BelayError BUILD_FAILED, RELEASE_INVALID when it is not there, or not what the builder said
 */
export function identifyImage(options: IdentifyOptions): Promise<Identified> {
  const { layout } = options.built;
  return layout === undefined ? inEngine(options) : inLayout(options, layout);
}

async function inLayout(all: IdentifyOptions, layout: string): Promise<Identified> {
  const { built, repository, docker, ...options } = all;
  const { digest, config } = built.image;
  const { build } = built.service;
  // What somebody else built was held against what is asked for when it was taken.
  const made = build === undefined || isBuiltBefore(build) ? undefined : build;
  const attestations = (["provenance", "sbom"] as const).filter((kind) => made?.[kind] !== undefined);
  const identity = await layoutIdentity({
    path: layout,
    platforms: made?.platforms ?? [],
    attested: attestations.length > 0,
    ...(digest === undefined ? {} : { digest }),
    ...(config === undefined ? {} : { config }),
  });
  const [only] = Object.values(identity.platforms);
  const content = identity.index ?? only?.config;
  const tags = tagsOf(options, content);
  for (const tag of built.inEngine === undefined ? [] : tags) {
    await docker.images.tag(built.inEngine ?? "", `${repository}:${tag}`);
  }
  const names = Object.keys(identity.platforms).join(", ");
  // An index is what tells attestations apart from images, so that one platform has one too then.
  const kept = attestations.length === 0 ? "" : `, with its attestations (${attestations.join(", ")}) in its index`;
  const what = `${identity.index ?? only?.manifest} (${names}${kept}) in ${layout}`;
  return { image: { repository, ...identity, tags }, what };
}

async function inEngine({ docker, built, repository, ...options }: IdentifyOptions): Promise<Identified> {
  const found = await findBuilt(docker, built);
  const identity = builtIdentity({
    found,
    containerd: usesContainerd(await docker.info()),
    ...(built.image.config === undefined ? {} : { config: built.image.config }),
    ...(built.image.mediaType === undefined ? {} : { mediaType: built.image.mediaType }),
  });
  const tags = tagsOf(options, found.Id as Digest);
  for (const tag of tags) await docker.images.tag(found.Id, `${repository}:${tag}`);
  return { image: { repository, ...identity, tags }, what: found.Id };
}

function tagsOf({ source, rules }: Pick<IdentifyOptions, "source" | "rules">, content: Digest | undefined): string[] {
  return imageTags(source, {
    ...(content === undefined ? {} : { content }),
    ...(rules === undefined ? {} : { rules }),
  });
}

/** @throws BelayError BUILD_FAILED when the engine has it under none of its names */
export async function findBuilt(
  docker: ImageEngine,
  { name, image }: Pick<Built, "name" | "image">,
): Promise<ImageInspect> {
  for (const id of image.ids) {
    try {
      return await docker.images.inspect(id);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  throw new BelayError("BUILD_FAILED", {
    doing: `reading back the image of ${name}`,
    got: `the engine has no image ${image.ids.join(" or ")}, which the builder says it made`,
    next: "The builder works for another engine: choose one that loads into this engine (`docker buildx use default`).",
  });
}
