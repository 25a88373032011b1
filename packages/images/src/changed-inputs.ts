import { type Log, oneLine, type Release } from "@belay/core";
import type { ImageInputs } from "./image-inputs.ts";

/** Names of inputs by service, of those services only that have some. */
export type ChangedInputs = Readonly<Record<string, readonly string[]>>;

/**
 * What of the inputs is another than the images of an earlier release were built from. Of a release that does not tell them,
 * as those of earlier versions of Belay, nothing is known, and so nothing is said.
 */
export function changedInputs(earlier: Release, inputs: Readonly<Record<string, ImageInputs>>): ChangedInputs {
  const changed = Object.entries(inputs).map(([service, now]) => {
    const before = recordedInputs(earlier, service);
    if (before === undefined) return [service, []] as const;
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
    return [service, names.filter((name) => before[name] !== now[name]).map((name) => oneLine(name, 80))] as const;
  });
  return Object.fromEntries(changed.filter(([, names]) => names.length > 0));
}

/** What a release tells of a service. It may be read from a registry: what it tells may have any form. */
export function recordedInputs(release: Release, service: string): ImageInputs | undefined {
  const inputs: unknown = release.evidence.build?.inputs?.[service];
  return typeof inputs === "object" && inputs !== null ? (inputs as ImageInputs) : undefined;
}

/** Says of which services an earlier image is taken that was built from other inputs, and what to do about it. */
export function warnOfChangedInputs(log: Log, { source, services }: Release, changed: ChangedInputs): void {
  const commit = source.revision.slice(0, 12);
  for (const [service, names] of Object.entries(changed)) {
    const { repository, tags } = services[service] ?? { repository: "", tags: [] };
    log.warn(
      [
        `${service}: ${repository}:${tags[0] ?? ""} is taken as it was built and pushed before, from other inputs than now (${names.join(", ")}):`,
        `the tag of commit ${commit} is never moved.`,
        "To have it built anew make a new commit (`git commit --allow-empty` will do), or give this variant a repository of its own (`image`).",
      ].join(" "),
      { title: `${service} was built from other inputs` },
    );
  }
}
