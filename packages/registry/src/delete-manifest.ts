import type { Digest } from "@belay/core";
import type { Ask } from "./ask-registries.ts";
import { RegistryError } from "./registry-error.ts";

/** Answers of registries that don't delete (distribution spec, "Deleting Manifests"). */
const NOT_HERE = [400, 405];

export async function deleteManifest(ask: Ask, repository: string, digest: Digest): Promise<boolean> {
  const doing = `deleting ${repository}@${digest}`;
  const path = `/manifests/${digest}`;
  const response = await ask(repository, {
    doing,
    method: "DELETE",
    path,
    access: "delete",
    answers: [404, ...NOT_HERE],
  });
  if (response.status === 404) return false;
  if (!NOT_HERE.includes(response.status)) return true;
  throw new RegistryError("REGISTRY_ERROR", {
    doing,
    got: `the registry does not delete (status ${response.status})`,
    next: "Let it delete (distribution: storage.delete.enabled). That of a GitHub Enterprise Server is named with `github-registry`.",
  });
}
