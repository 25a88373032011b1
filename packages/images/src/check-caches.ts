import type { Log } from "@belay/core";
import type { Chosen } from "./check-services.ts";
import type { SecretSources } from "./register-secrets.ts";

/**
 * Looks at the caches of these builds. buildx leaves one with GitHub out without a word where the variables are missing that
 * only steps with `uses:` have, so it is said here. Secrets in them are refused where they are read (`resolveBuild`).
 */
export function checkCaches(services: Chosen, log: Log, { env = {}, onSecret }: SecretSources): void {
  const value = (name: string): string => env[name] ?? process.env[name] ?? "";
  for (const [name, { build }] of services) {
    const caches = [...(build?.cacheFrom ?? []), ...(build?.cacheTo ?? [])].map(attributesOf);
    const atGitHub = caches.filter(({ type }) => type === "gha");
    if (atGitHub.length === 0) continue;
    const token = value("ACTIONS_RUNTIME_TOKEN");
    if (token !== "") onSecret?.(token);
    if (atGitHub.every((cache) => isReachable(cache, value))) continue;
    log.warn(
      `services.${name}.build: its cache of type=gha is left out, because ACTIONS_RUNTIME_TOKEN, or both ACTIONS_RESULTS_URL and ACTIONS_CACHE_URL, are not set. GitHub sets them for steps with \`uses:\` alone: build with the action, not in a \`run:\` step, or use another type (registry, local).`,
    );
  }
}

type Attributes = Readonly<Record<string, string>>;

/** `type=gha,scope=web`; a word alone is a reference (buildx, `util/buildflags/cache.go`). Quotes hold no names. */
function attributesOf(row: string): Attributes {
  const pairs = row.split(",").map((field) => /^\s*"?\s*([\w-]+)=(.*?)"?$/.exec(field));
  return Object.fromEntries(
    pairs.flatMap((pair) => (pair === null ? [] : [[pair[1]?.toLowerCase() ?? "", pair[2] ?? ""]])),
  );
}

/** As buildx decides it (`build/opt.go`, `addGithubToken` and `isActive`). */
function isReachable(cache: Attributes, value: (name: string) => string): boolean {
  const address = cache.url || cache.url_v2 || value("ACTIONS_CACHE_URL") || value("ACTIONS_RESULTS_URL");
  return value("ACTIONS_RUNTIME_TOKEN") !== "" && address !== "";
}
