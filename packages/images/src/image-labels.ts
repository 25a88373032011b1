import { oneLine, type Source } from "@belay/core";
import { imageTags, semverOf } from "./image-tags.ts";

export interface LabelOptions {
  readonly application: string;
  readonly service: string;
}

/** Label of an image that was built with changes which no commit holds. */
export const DIRTY_LABEL = "dev.belay.dirty";
/** Label with the base commit, when a pull request's merge was built. */
export const MERGED_ONTO_LABEL = "dev.belay.merged-onto";

/**
 * The OCI labels (image spec, "Pre-Defined Annotation Keys") by which container → image → commit → author is walked
 * back. `created` is the commit's date, so that the same commit always gives the same labels. Anybody can write labels:
 * they tell the source, they prove nothing.
 */
export function imageLabels(source: Source, options: LabelOptions): Record<string, string> {
  const oci: Record<string, string | undefined> = {
    revision: source.revision,
    source: webAddress(source.repository),
    url: webAddress(source.repository),
    created: source.committedAt,
    version: semverOf(source.ref) ?? imageTags(source)[0],
    authors: source.author,
    title: options.application === options.service ? options.service : `${options.application}-${options.service}`,
  };
  const own: Record<string, string | undefined> = {
    [DIRTY_LABEL]: source.dirty === true ? "true" : undefined,
    [MERGED_ONTO_LABEL]: source.mergedOnto,
  };
  const all = [...Object.entries(oci).map(([key, value]) => [`org.opencontainers.image.${key}`, value] as const)];
  const given = [...all, ...Object.entries(own)].filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [key, oneLine(value, 512)]));
}

function webAddress(repository: string): string | undefined {
  return /^https?:\/\//.test(repository) ? repository : undefined;
}
