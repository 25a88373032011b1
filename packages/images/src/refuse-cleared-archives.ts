import { realpath } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import type { ApplicationSettings } from "@belay/config";
import { BelayError } from "@belay/core";

/**
 * A build clears the folders of all its images first: an archive in one of them would be gone before it was looked at.
 * @throws BelayError INVALID_INPUT
 */
export async function refuseClearedArchives(
  { services }: Pick<ApplicationSettings, "services">,
  layoutOf: (service: string) => string,
): Promise<void> {
  const cleared = await Promise.all(Object.keys(services).map((service) => realPath(layoutOf(service))));
  for (const [service, { build }] of Object.entries(services)) {
    if (build?.archive === undefined) continue;
    const archive = await realPath(build.archive);
    const folder = cleared.find((one) => isWithin(one, archive));
    if (folder === undefined) continue;
    throw new BelayError("INVALID_INPUT", {
      doing: `taking the image ${build.archive} for ${service}`,
      got: `it lies in ${folder}, where Belay keeps the image itself: that folder is cleared before a build`,
      next: "Copy it to a folder of its own, and name it there.",
    });
  }
}

/** What is not there leads nowhere else. */
function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

function isWithin(folder: string, path: string): boolean {
  const below = relative(folder, path);
  return !isAbsolute(below) && below.split(sep)[0] !== "..";
}
