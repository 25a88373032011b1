import { parseReference } from "@belay/core";
import { showValue } from "./problem.ts";

/** Name (255), tag (128) and digest (71) with what stands between them. */
const LONGEST = 456;

/**
 * What is wrong with the image of a service, as the rest of a sentence that begins "`…` is"; `undefined` when nothing is.
 * What Belay builds gets its tags from the commit; what it does not build must be told apart by tag or digest later on.
 */
export function checkImage(image: string, built: boolean): string | undefined {
  const reference = image.length > LONGEST ? undefined : parseReference(image);
  const legal = built
    ? "a repository such as ghcr.io/acme/shop"
    : "a repository, best with its digest: docker.io/library/redis@sha256:…";
  if (reference === undefined) return `${showValue(image)}, which is no image reference. Legal values: ${legal}.`;
  if (!built || (reference.tag === undefined && reference.digest === undefined)) return undefined;
  const part = reference.digest === undefined ? "tag" : "digest";
  return `${showValue(image)}, with a ${part}, but the service is built here. Leave the ${part} out: the commit gives the tags.`;
}
