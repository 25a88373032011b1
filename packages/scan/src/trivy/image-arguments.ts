import type { Platform } from "@belay/core";

export const SCANNERS = ["vuln", "secret", "misconfig", "license"] as const;

export type Scanner = (typeof SCANNERS)[number];

/** Names in the working folder of one scan. Nothing that a user wrote is a path in Trivy's arguments. */
export const WORKPLACE = { cache: "cache", layout: "layout", archive: "image.tar", report: "report.json" } as const;

export type TrivyInput =
  | { readonly from: "docker" | "remote"; readonly name: string }
  | { readonly from: "layout" | "archive" };

export interface ImageArguments {
  readonly input: TrivyInput;
  readonly platform?: Platform;
  readonly scanners: readonly Scanner[];
  readonly timeoutMs: number;
  /** Address of a Trivy server, which has the database. */
  readonly server?: string;
  /** Lets the registry speak plain HTTP, or have a certificate that nobody vouches for. */
  readonly insecure?: boolean;
}

/**
 * Arguments of `trivy image`. Each value stands behind `=` in one argument, so that none can be taken for another flag;
 * the name is the last, after `--`. Trivy filters nothing and its exit code speaks of failures only: what is found is
 * the report's to say, what it means the gate's.
 */
export function imageArguments(options: ImageArguments): string[] {
  const { input, server } = options;
  return [
    "image",
    "--format=json",
    `--output=${WORKPLACE.report}`,
    "--exit-code=0",
    "--list-all-pkgs",
    "--no-progress",
    `--scanners=${options.scanners.join(",")}`,
    ...configArguments(options.scanners),
    `--timeout=${Math.ceil(options.timeoutMs / 1_000)}s`,
    `--cache-dir=${WORKPLACE.cache}`,
    // Each scan's own, in memory: the one on disk takes one process at a time, and gives up after five seconds.
    "--cache-backend=memory",
    "--offline-scan",
    "--skip-check-update",
    ...(server === undefined ? ["--skip-db-update", "--skip-java-db-update"] : [`--server=${server}`]),
    ...(options.insecure ? ["--insecure"] : []),
    ...(options.platform === undefined ? [] : [`--platform=${options.platform}`]),
    ...inputArguments(input),
  ];
}

/**
 * What is looked for in the image's config too: secrets in its environment, and what its Dockerfile did, as its history tells.
 * Trivy looks there only when it is asked to, whatever `--scanners` says.
 */
export function configScanners(scanners: readonly Scanner[]): readonly Scanner[] {
  return (["misconfig", "secret"] as const).filter((one) => scanners.includes(one));
}

function configArguments(scanners: readonly Scanner[]): string[] {
  const wanted = configScanners(scanners);
  return wanted.length === 0 ? [] : [`--image-config-scanners=${wanted.join(",")}`];
}

function inputArguments(input: TrivyInput): string[] {
  switch (input.from) {
    case "layout":
    case "archive":
      return [`--input=${WORKPLACE[input.from]}`];
    default:
      return [`--image-src=${input.from}`, "--", input.name];
  }
}

/** Trivy's two databases. */
export const DATABASES = {
  vulnerabilities: { folder: "db", file: "trivy.db", only: "--download-db-only", repository: "--db-repository" },
  java: {
    folder: "java-db",
    file: "trivy-java.db",
    only: "--download-java-db-only",
    repository: "--java-db-repository",
  },
} as const;

export type DatabaseKind = keyof typeof DATABASES;

/** Arguments that only download a database, from one repository, into the working folder's cache. */
export function downloadArguments(
  kind: DatabaseKind,
  repository: string,
  timeoutMs: number,
  insecure: boolean,
): string[] {
  return [
    "image",
    DATABASES[kind].only,
    `${DATABASES[kind].repository}=${repository}`,
    `--cache-dir=${WORKPLACE.cache}`,
    "--cache-backend=memory",
    "--no-progress",
    `--timeout=${Math.ceil(timeoutMs / 1_000)}s`,
    ...(insecure ? ["--insecure"] : []),
  ];
}
