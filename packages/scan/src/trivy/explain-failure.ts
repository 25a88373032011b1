import { oneLine, plainText } from "@belay/core";
import type { ScanObstacle } from "./could-not-scan.ts";

/**
 * What Trivy's words mean, the first that fits (trivy 0.72: `pkg/oci`, `pkg/db`, `pkg/cache/fs.go`,
 * `pkg/fanal/image`; go-containerregistry `transport/error.go`; docker's client). Ordered from what is certain.
 */
const WORDS: readonly (readonly [ScanObstacle, RegExp])[] = [
  ["unusable_folder", /no space left on device|disk quota exceeded|read-only file system/i],
  ["cache_locked", /cache may be in use by another process|unable to open (?:cache )?DB: timeout|: timeout$/m],
  ["timed_out", /context deadline exceeded|provide a higher timeout/i],
  ["rate_limited", /TOOMANYREQUESTS|429 Too Many Requests|status code:? 429/i],
  // The server's own word (`pkg/rpc/server`), or what the client makes of a 401 or 403 of a proxy before it.
  ["server_refused", /twirp error (?:unauthenticated|permission_denied)/],
  ["unauthorised", /UNAUTHORIZED|DENIED:|401 Unauthorized|403 Forbidden|status code:? 40[13]/],
  [
    "no_database",
    /on the first run|DB schema|something wrong with DB|error in vulnerability DB initialize|validate error/,
  ],
  ["image_not_found", /MANIFEST_UNKNOWN|NAME_UNKNOWN|BLOB_UNKNOWN|No such image|status code:? 404|404 Not Found/i],
  [
    "unreachable",
    /Cannot connect to the Docker daemon|failed to connect to the docker API|connection refused|no such host|i\/o timeout|network is unreachable|connection reset|server misbehaving|TLS handshake|x509:|HTTP response to HTTPS client|status code:? 5\d\d|50\d (?:Internal Server Error|Bad Gateway|Service Unavailable)|permission denied while trying to connect/i,
  ],
  [
    "broken_image",
    /unexpected EOF|invalid tar header|unable to open .* as|gzip: invalid|file manifest\.json not found|no valid manifest|invalid index\.json|unable to (?:parse|get|retrieve|uncompress)|failed to analyze|analyze error|walk error|error verifying|unsupported MediaType|no child with platform|unsupported artifact type/i,
  ],
];

export interface Failure {
  readonly obstacle: ScanObstacle;
  /** The lines that say it. Not redacted. */
  readonly words: string;
}

/** What a failed Trivy said on its standard error. */
export function explainFailure(stderr: string): Failure {
  const said = plainText(stderr).trim();
  // Warnings and progress before it may hold any of these words.
  const fatal = said.slice(Math.max(0, said.search(/^\S*\s*FATAL\b/m)));
  const obstacle = WORDS.find(([, words]) => words.test(fatal))?.[0] ?? "scanner_failed";
  return {
    obstacle,
    words: oneLine(fatal.replace(/^\S*\s*FATAL\s*(?:Fatal error)?\s*/, ""), 1_000) || "it said nothing",
  };
}

/** The jar analyzer asks for its database only when there is something to look up (trivy, `pkg/javadb`). */
export function wantsJavaDatabase(stderr: string): boolean {
  return stderr.includes("skip-java-db-update' cannot be specified on the first run");
}

const NEXT: Partial<Record<ScanObstacle, string>> = {
  no_database: "Let it be downloaded once, or name a repository that has it with `db-repository`.",
  rate_limited: "Name mirrors with `db-repository`, or log in to the registry.",
  unauthorised: "Log in to the registry (docker login), with the right to read.",
  server_refused: "Give the server's token in TRIVY_TOKEN, in the environment of the step.",
  unreachable: "Check the address, the network and the proxy.",
  image_not_found: "Check that it was built, or pushed, and not removed meanwhile.",
  unusable_folder: "Make room in the cache folder (`cache-dir`) and in the one for temporary files (TMPDIR).",
  cache_locked: "Another process uses it: give each its own `cache-dir`, or try again.",
  timed_out: "Give it more time with `timeout`.",
};

/** What to do about it. */
export function nextStep(obstacle: ScanObstacle): string | undefined {
  return NEXT[obstacle];
}
