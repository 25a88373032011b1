import type { Digest } from "@belay/core";
import type { StoredImage } from "./read-repository.ts";

export interface ChooseOptions {
  readonly images: readonly StoredImage[];
  /** Digests of any kind (index, manifest, config) that a target needs, and why. */
  readonly needed: ReadonlyMap<string, string>;
  /** The newest that stay in any case. */
  readonly last: number;
  /** What was pushed, or where nobody knows that, made after this time stays: its release may wait for somebody's approval. */
  readonly youngerThan?: Date;
}

export interface ImageChoice {
  readonly image: StoredImage;
  readonly keep: boolean;
  readonly why: string;
}

/** Tags that Belay makes for every commit and pull request. Whatever else somebody called an image stays. */
const OF_A_COMMIT = /^(?:sha-[0-9a-f]{7,40}(?:-onto-[0-9a-f]{7,40})?(?:-dirty(?:-[0-9a-f]+)?)?|pr-\d+)$/;

/**
 * Which images of one repository may go, and why the others stay. In doubt an image stays: one that can't be read, has
 * no age, or a tag that is not one of a commit. Sorted as given.
 */
export function chooseImages({ images, needed, last, youngerThan }: ChooseOptions): ImageChoice[] {
  const aged = images.filter((image) => image.createdAt !== undefined);
  const newest = new Set(aged.sort((a, b) => ageOf(b) - ageOf(a)).slice(0, last));
  const choices = images.map((image): ImageChoice => {
    const recent = newest.has(image) ? `it is one of the last ${last}` : whyYoung(image, youngerThan);
    const why = reasonToKeep(image, needed) ?? recent;
    return { image, keep: why !== undefined, why: why ?? "nothing needs it, and newer ones are kept" };
  });
  return withShared(withUnknown(choices));
}

/** Where an image does not tell its parts, any other may be one of them: all stay. */
function withUnknown(choices: readonly ImageChoice[]): readonly ImageChoice[] {
  const unknown = choices.find(({ image }) => image.partsUnknown === true)?.image;
  if (unknown === undefined) return choices;
  const why = `nobody can tell which parts ${unknown.digest} (${unknown.tags.join(", ")}) has: ${unknown.unreadable}`;
  return choices.map((choice) => (choice.keep ? choice : { ...choice, keep: true, why }));
}

function whyYoung({ pushedAt, createdAt }: StoredImage, youngerThan: Date | undefined): string | undefined {
  const known = pushedAt ?? createdAt;
  if (youngerThan === undefined || known === undefined || Date.parse(known) <= youngerThan.getTime()) return undefined;
  return `it was ${pushedAt === undefined ? "made" : "pushed"} on ${known}, after ${youngerThan.toISOString()}`;
}

function ageOf(image: StoredImage): number {
  return Date.parse(image.createdAt ?? "");
}

/** The choices once more, with what is needed by now. */
export function withNewNeeds(choices: readonly ImageChoice[], needed: ReadonlyMap<string, string>): ImageChoice[] {
  const all = choices.map((choice) => {
    const why = choice.keep ? undefined : needOf(choice.image, needed);
    return why === undefined ? choice : { ...choice, keep: true, why };
  });
  return withShared(all);
}

function needOf({ manifests, blobs }: StoredImage, needed: ReadonlyMap<string, string>): string | undefined {
  return [...manifests.keys(), ...blobs.keys()].map((digest) => needed.get(digest)).find(Boolean);
}

function reasonToKeep(image: StoredImage, needed: ReadonlyMap<string, string>): string | undefined {
  const need = needOf(image, needed);
  if (need !== undefined) return need;
  const name = image.tags.find((tag) => !OF_A_COMMIT.test(tag));
  if (name !== undefined) return `it is called ${name}`;
  if (image.unreadable !== undefined) return `it could not be read: ${image.unreadable}`;
  return image.createdAt === undefined ? "it does not tell its age" : undefined;
}

/** An image that is a part of a kept one (a platform that has a tag of its own) or hangs on it stays with it. */
export function withShared(choices: readonly ImageChoice[]): ImageChoice[] {
  const kept = choices.filter(({ keep }) => keep);
  const all = choices.map((choice) => {
    if (choice.keep || !isPartOf(choice.image.digest, kept)) return choice;
    return { ...choice, keep: true, why: PART_OF_KEPT };
  });
  // What stays now may have parts of its own.
  return all.filter(({ keep }) => keep).length === kept.length ? all : withShared(all);
}

export const PART_OF_KEPT = "it is a part of an image that is kept";

/** Whether one of these images has it: as a platform, or hanging on it. */
export function isPartOf(digest: Digest, choices: readonly ImageChoice[]): boolean {
  return choices.some(({ image }) => image.manifests.has(digest) || image.attached.has(digest));
}

/** What deleting frees at the most: what no kept image of the repository has. In bytes. */
export function freedBytes(choices: readonly ImageChoice[]): number {
  const sizes = (keep: boolean): Map<Digest, number> =>
    new Map(choices.filter((one) => one.keep === keep).flatMap(({ image }) => [...partsOf(image)]));
  const kept = sizes(true);
  return [...sizes(false)].reduce((sum, [digest, size]) => (kept.has(digest) ? sum : sum + size), 0);
}

function partsOf({ manifests, attached, blobs }: StoredImage): [Digest, number][] {
  return [...manifests, ...attached, ...blobs];
}

/**
 * What goes with an image: what hangs on it and its platforms, without what one of the others has. Of an image that could not
 * be read nobody knows all that it has: then no platform goes, of whatever image, and nothing that hangs on one.
 */
export function partsOfNoOther({ image }: ImageChoice, others: readonly ImageChoice[]): Digest[] {
  const had = manifestsOf(others);
  const doubt = others.some((other) => other.image.unreadable !== undefined);
  const attached = [...image.attached.keys()].filter((digest) => !doubt || !image.attachedToParts?.has(digest));
  const platforms = doubt ? [] : image.manifests.keys();
  return [...attached, ...platforms].filter((digest) => digest !== image.digest && !had.has(digest));
}

function manifestsOf(choices: readonly ImageChoice[]): Set<Digest> {
  return new Set(choices.flatMap(({ image }) => [...image.manifests.keys(), ...image.attached.keys()]));
}

/** Manifests to delete, in the order that leaves nothing half there: what hangs on an image, it itself, its platforms. */
export function manifestsToDelete(choices: readonly ImageChoice[]): Digest[] {
  const kept = choices.filter(({ keep }) => keep);
  const had = manifestsOf(kept);
  const going = choices
    .filter(({ keep }) => !keep)
    .flatMap((choice) => {
      const parts = partsOfNoOther(choice, kept);
      const attached = parts.filter((digest) => choice.image.attached.has(digest));
      return [...attached, choice.image.digest, ...parts];
    });
  return [...new Set(going)].filter((digest) => !had.has(digest));
}
