import type { Pruned } from "./prune.ts";

const MB = 1_000_000;

/** What went, or would go, for people. */
export function pruneText({ dryRun, environments, repositories }: Pruned): string {
  const lines = repositories.flatMap(({ repository, choices, freed, deleted }) => {
    const going = choices.filter(({ keep }) => !keep);
    const size = `${(freed / MB).toFixed(1)} MB`;
    const head = dryRun
      ? `${repository}: ${going.length} of ${choices.length} images would go, which frees up to ${size}.`
      : `${repository}: ${going.length} of ${choices.length} images went (${deleted} manifests), which frees up to ${size}.`;
    return [head, ...going.map(({ image }) => `  ${image.tags.join(", ")} ${image.createdAt?.slice(0, 10) ?? ""}`)];
  });
  const asked = `Asked for what they need: ${environments.join(", ")}.`;
  const next = dryRun && lines.length > 0 ? ["Nothing was deleted. To do it, switch the dry run off."] : [];
  return `${[...lines, asked, ...next].join("\n")}\n`;
}

/** The same for programs. */
export function pruneJson({ dryRun, environments, repositories }: Pruned): object {
  return {
    dryRun,
    environments,
    repositories: repositories.map(({ repository, choices, freed, deleted }) => ({
      repository,
      freed,
      deleted,
      images: choices.map(({ image, keep, why }) => ({
        digest: image.digest,
        tags: image.tags,
        createdAt: image.createdAt ?? null,
        keep,
        why,
      })),
    })),
  };
}
