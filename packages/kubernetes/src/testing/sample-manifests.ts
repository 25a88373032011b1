import type { Digest, ImageIdentity, Release } from "@belay/core";
import type { Manifest } from "../manifests/manifest.ts";
import { parseManifests } from "../manifests/parse-manifests.ts";

export const DIGEST: Digest = `sha256:${"a".repeat(64)}`;

/** Manifests from YAML, as the reader gives them. */
export function manifestsOf(text: string, fromKustomize = false): readonly Manifest[] {
  const { manifests, problems } = parseManifests(
    { title: "k8s/a.yaml", text, fromKustomize },
    { variables: {}, secrets: {} },
  );
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return manifests;
}

/** A release of services by their repositories, all with {@link DIGEST}. */
export function releaseOf(services: Readonly<Record<string, string>>): Release {
  const image = (repository: string): ImageIdentity => ({ repository, platforms: {}, digest: DIGEST, tags: [] });
  return {
    schema: "belay.release/v1",
    stage: "push",
    application: "shop",
    source: { repository: "https://github.com/acme/shop", revision: "0".repeat(40) },
    services: Object.fromEntries(Object.entries(services).map(([name, repository]) => [name, image(repository)])),
    evidence: {},
    createdAt: "2026-11-26T00:00:00Z",
  };
}
