import type { ApplicationSettings } from "@belay/config";
import { BelayError, normalisedPlatform, type Release } from "@belay/core";

/**
 * An earlier release of the commit can be taken only when it has every platform that is asked for now. A build of the others
 * would be another image, and the push could not give it the commit's tag, which is never moved: so it is said before the
 * build.
 * @throws BelayError TAG_TAKEN
 */
export function refuseOtherPlatforms(earlier: Release, { services }: ApplicationSettings): void {
  for (const [name, { build }] of Object.entries(services)) {
    const image = earlier.services[name];
    if (build === undefined || image === undefined) continue;
    const there = Object.keys(image.platforms);
    const missing = build.platforms.map(normalisedPlatform).filter((platform) => !there.includes(platform));
    if (missing.length === 0) continue;
    const revision = earlier.source.revision.slice(0, 12);
    throw new BelayError("TAG_TAKEN", {
      doing: `building ${name} for ${build.platforms.join(", ")}`,
      got: `commit ${revision} was built and pushed before without ${missing.join(", ")}: ${image.repository}:${image.tags[0]} is for ${there.join(", ")}, and a SHA tag is never moved`,
      next: `Make a new commit (\`git commit --allow-empty\` will do), or give the image for these platforms a repository of its own (\`image\`); or ask for ${there.join(", ")} alone, and the earlier release is taken.`,
    });
  }
}
