import { createRelease, type Release, type Source } from "@belay/core";
import type { ImageCatalogue } from "./images.ts";
import type { Variants } from "./stand.ts";

let commits = 0;

/** Makes releases of variants. Each has a commit of its own unless one is given; later ones sort after earlier ones. */
export function createReleases(images: ImageCatalogue): (variants: Variants, revision?: string) => Promise<Release> {
  return async (variants, revision = commit(++commits)) => {
    const names = Object.entries(variants);
    const services = await Promise.all(names.map(async ([name, variant]) => [name, await images.identity(variant)]));
    return createRelease({
      stage: "push",
      application: "shop",
      source: { repository: "https://github.com/acme/shop", revision },
      services: Object.fromEntries(services),
      evidence: {},
      createdAt: "2026-01-02T03:04:05Z",
    });
  };
}

/** A commit by its number: 40 hexadecimal digits. */
export function commit(number: number): string {
  return number.toString(16).padStart(40, "0");
}

/** Whether the release of this commit is older than the one that runs: commits of the suite sort by their age. */
export function isOlderThan(running: Pick<Source, "revision">, revision: string): boolean {
  return running.revision > revision;
}
