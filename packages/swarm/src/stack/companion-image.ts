import { type Finding, isBelayError } from "@belay/core";
import { type Docker, EngineError } from "@belay/docker";

export interface CompanionImage {
  readonly image: string;
  readonly platforms: readonly { readonly os: string; readonly architecture: string }[];
  readonly finding?: Finding;
}

const DEADLINE_MS = 20_000;

/**
 * The image of a service that no release names, with the digest that its tag has now, as `docker stack deploy` asks the
 * registry for it. Where that can't be had the image stays as it is, and a finding says so.
 */
export async function pinCompanion(
  docker: Pick<Docker, "images">,
  service: string,
  image: string,
  signal: AbortSignal,
): Promise<CompanionImage> {
  try {
    const { Descriptor, Platforms } = await docker.images.distribution(image, { deadlineMs: DEADLINE_MS, signal });
    const pinned = image.includes("@") ? image : `${image}@${Descriptor.digest}`;
    return { image: pinned, platforms: Platforms ?? [] };
  } catch (error) {
    if (!(error instanceof EngineError) && !isBelayError(error, "TIMED_OUT")) throw error;
    const why = error instanceof EngineError ? error.engineMessage : error.got;
    const message = `which digest ${image} has could not be found out (${why}): each node takes what it finds under that name`;
    return { image, platforms: [], finding: { level: "cannot tell", check: "image_not_pinned", service, message } };
  }
}
