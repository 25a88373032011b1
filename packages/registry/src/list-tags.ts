import type { Ask } from "./ask-registries.ts";
import { RegistryError } from "./registry-error.ts";

/** Every tag of a repository, page by page (distribution spec, "Listing Tags"). */
export async function listTags(ask: Ask, repository: string): Promise<string[]> {
  const doing = `listing the tags of ${repository}`;
  const found: string[] = [];
  let path: string | undefined = "/tags/list?n=1000";
  while (path !== undefined) {
    const response = await ask(repository, { doing, method: "GET", path, answers: [404] });
    if (response.status === 404) return found;
    found.push(...tagsOf(doing, response.body));
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ""))?.[1];
    path = next === undefined ? undefined : new URL(next, response.url).href;
  }
  return found;
}

function tagsOf(doing: string, body: Buffer): string[] {
  let tags: unknown;
  try {
    tags = (JSON.parse(body.toString("utf8")) as { tags?: unknown } | null)?.tags;
  } catch (error) {
    throw new RegistryError("REGISTRY_ERROR", { doing, got: "the answer is no JSON", cause: error });
  }
  // A repository whose last tag went says `null`.
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === "string") : [];
}
