import { deriveRelease, isOwn, type Release } from "@belay/core";
import type { BuildImagesOptions } from "./build-images.ts";
import { imageTags } from "./image-tags.ts";
import { tagRulesOf } from "./tag-rules-of.ts";

/**
 * An earlier release of the very commit with the tags that it gets now: a git tag was put on the commit, or its branch merged by
 * fast-forward. Its images stay, and what was found out about them; the push gives the tags. The same document when it
 * has them already.
 */
export function retagRelease(
  earlier: Release,
  options: Pick<BuildImagesOptions, "application" | "source" | "clock" | "log" | "event">,
): Release {
  const { application, source, clock, log } = options;
  const services = Object.entries(earlier.services).map(([name, image]) => {
    const service = application.services[name];
    if (service === undefined || !isOwn(image)) return [name, image] as const;
    const rules = tagRulesOf(options, name, service, (message) => log.warn(`${name}: ${message}`));
    return [name, { ...image, tags: imageTags(source, rules) }] as const;
  });
  if (services.every(([name, { tags }]) => isSame(tags, earlier.services[name]?.tags ?? []))) return earlier;
  const change = {
    stage: earlier.stage,
    services: Object.fromEntries(services),
    createdAt: clock.date().toISOString(),
  };
  return { ...deriveRelease(earlier, change), source };
}

function isSame(tags: readonly string[], before: readonly string[]): boolean {
  return tags.length === before.length && tags.every((tag) => before.includes(tag));
}
