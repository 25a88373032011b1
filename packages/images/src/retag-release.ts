import {
  canonicalJson,
  deriveRelease,
  type Evidence,
  type ImageIdentity,
  isOwn,
  type Release,
  scanEvidence,
} from "@belay/core";
import type { BuildImagesOptions } from "./build-images.ts";
import type { ChangedInputs } from "./changed-inputs.ts";
import { imageTags } from "./image-tags.ts";
import { tagRulesOf } from "./tag-rules-of.ts";

export interface RetagOptions extends Pick<BuildImagesOptions, "application" | "source" | "clock" | "log" | "event"> {
  /** What is asked for in another way than the images were built. Default: nothing. */
  readonly changed?: ChangedInputs;
  /** Images of others that take the place of those of the earlier release. Default: none. */
  readonly pinned?: Readonly<Record<string, ImageIdentity>>;
}

/**
 * An earlier release of the very commit with the tags that it gets now: a git tag was put on the commit, or its branch merged by
 * fast-forward. Its images stay, and what was found out about them, but for those of others that are named otherwise now; the
 * push gives the tags. The same document when there is nothing new to be said.
 */
export function retagRelease(earlier: Release, options: RetagOptions): Release {
  const { application, source, clock, log, changed = {}, pinned = {} } = options;
  const services = Object.entries(earlier.services).map(([name, image]) => {
    const service = application.services[name];
    if (service === undefined || !isOwn(image)) return [name, pinned[name] ?? image] as const;
    const rules = tagRulesOf(options, name, service, (message) => log.warn(`${name}: ${message}`));
    return [name, { ...image, tags: imageTags(source, rules) }] as const;
  });
  const told = earlier.evidence.build?.changed ?? {};
  const asTold = canonicalJson(told) === canonicalJson(changed);
  const tagged = services.every(([name, { tags }]) => isSame(tags, earlier.services[name]?.tags ?? []));
  if (asTold && tagged && isEmpty(pinned)) return earlier;
  const { changed: _told, ...build } = earlier.evidence.build ?? {};
  const change = {
    evidence: {
      ...(asTold ? {} : { build: { ...build, ...(isEmpty(changed) ? {} : { changed }) } }),
      ...scanOfRest(earlier, pinned),
    },
    stage: earlier.stage,
    services: Object.fromEntries(services),
    createdAt: clock.date().toISOString(),
  };
  return { ...deriveRelease(earlier, change), source };
}

/** What was found in an image says nothing of the one that takes its place. */
function scanOfRest(earlier: Release, pinned: object): Pick<Evidence, "scan"> {
  const scan = scanEvidence(earlier);
  if (scan === undefined || isEmpty(pinned)) return {};
  const rest = Object.entries(scan.services).filter(([name]) => !Object.hasOwn(pinned, name));
  return { scan: { ...scan, services: Object.fromEntries(rest) } };
}

function isEmpty(changed: object): boolean {
  return Object.keys(changed).length === 0;
}

function isSame(tags: readonly string[], before: readonly string[]): boolean {
  return tags.length === before.length && tags.every((tag) => before.includes(tag));
}
