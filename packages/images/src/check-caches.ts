import { BelayError, type Log } from "@belay/core";
import type { Chosen } from "./check-services.ts";
import type { SecretSources } from "./register-secrets.ts";

/** What buildx takes from its environment, so that nobody has to write it down. */
const FROM_ENVIRONMENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gha: {
    token: "Leave it away: a step with `uses:` has it as ACTIONS_RUNTIME_TOKEN",
    ghtoken: "Leave it away: it only spares BuildKit some questions to the cache",
  },
  s3: {
    secret_access_key: "Give it to this step as AWS_SECRET_ACCESS_KEY",
    session_token: "Give it to this step as AWS_SESSION_TOKEN",
  },
};

/**
 * Looks at the caches of these builds. buildx leaves one with GitHub out without a word where the variables are missing that
 * only steps with `uses:` have, so it is said here.
 * @throws BelayError INVALID_INPUT for a secret in them, which everybody could read in the list of processes and in the log
 */
export function checkCaches(services: Chosen, log: Log, { env = {}, onSecret }: SecretSources): void {
  const value = (name: string): string => env[name] ?? process.env[name] ?? "";
  for (const [name, { build }] of services) {
    const caches = [...(build?.cacheFrom ?? []), ...(build?.cacheTo ?? [])].map(attributesOf);
    for (const cache of caches) refuseSecrets(name, cache);
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

function refuseSecrets(service: string, cache: Attributes): void {
  const secrets = FROM_ENVIRONMENT[cache.type ?? ""] ?? {};
  const found = Object.keys(secrets).find((name) => cache[name] !== undefined);
  if (found === undefined) return;
  throw new BelayError("INVALID_INPUT", {
    doing: `reading the caches of services.${service}.build`,
    got: `\`${found}\` of type=${cache.type} is a secret, and whoever sees the command line can read it there`,
    next: `${secrets[found]}.`,
  });
}

/** As buildx decides it (`build/opt.go`, `addGithubToken` and `isActive`). */
function isReachable(cache: Attributes, value: (name: string) => string): boolean {
  const address = cache.url || cache.url_v2 || value("ACTIONS_CACHE_URL") || value("ACTIONS_RESULTS_URL");
  return value("ACTIONS_RUNTIME_TOKEN") !== "" && address !== "";
}
