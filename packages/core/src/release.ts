import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { canonicalJson, type Digest, isDigest, sha256 } from "./digest.ts";
import { BelayError, messageOf } from "./errors.ts";
import { type ImageIdentity, parseReference } from "./identity.ts";
import { parseJson } from "./parse-json.ts";
import { readJobFile } from "./read-job-file.ts";
import type { ScanEvidence } from "./scan-evidence.ts";

/** Where the release came from, so that container → image → commit → author can be walked back. */
export interface Source {
  /** Web address of the repository: `https://github.com/acme/shop`. */
  readonly repository: string;
  /** Full SHA of the commit that was really built (not GitHub's merge commit). */
  readonly revision: string;
  /**
   * Commit of the base branch, when what was built is `revision` merged onto it (GitHub's merge commit of a pull
   * request) and so is not the content of `revision` alone.
   */
  readonly mergedOnto?: string;
  readonly ref?: string;
  readonly pullRequest?: number;
  /** `Ada Lovelace <ada@example.org>`: the commit's author. */
  readonly author?: string;
  /** First line of the commit message. Outside text. */
  readonly title?: string;
  /** Committer date, ISO 8601. */
  readonly committedAt?: string;
  /** The build had changes that no commit holds. */
  readonly dirty?: boolean;
  readonly run?: { readonly id: string; readonly attempt: number; readonly url?: string };
}

/** As in belay.yaml. */
const SERVICE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Distribution spec, "Pulling manifests". */
const TAG = /^\w[\w.-]{0,127}$/;

export type Stage = "build" | "test" | "scan" | "push" | "sign" | "external";

/** What the reports of a service's tests count. */
export interface TestCounts {
  /** All, with those that failed or were skipped. */
  readonly tests: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
}

/** What a stage found out. Each stage adds its own and changes no other's. */
export interface Evidence {
  /** Of the services that were built. */
  readonly build?: {
    /** What decides what is in their images besides the commit: names as in belay.yaml, and a digest of each value with its name and the commit. */
    readonly inputs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
    /** Names of inputs that were asked for in another way than the image was built before, which was taken all the same. */
    readonly changed?: Readonly<Record<string, readonly string[]>>;
  };
  /** Services whose test target ran and passed; what their reports count, where they wrote some. */
  readonly tests?: {
    readonly passed: readonly string[];
    readonly reports?: Readonly<Record<string, TestCounts>>;
  };
  /** Read it with `scanEvidence`, which checks its form. */
  readonly scan?: ScanEvidence;
  readonly push?: { readonly pushedAt: string };
  readonly [stage: string]: unknown;
}

/**
 * An immutable statement of what should run. A stage never changes one: it derives a new document which names its
 * parent's digest, so that a chain of documents can be checked link by link.
 */
export interface Release {
  readonly schema: "belay.release/v1";
  readonly stage: Stage;
  /** Digest of the document that this one was derived from; none for the first. */
  readonly parent?: Digest;
  readonly application: string;
  readonly source: Source;
  /** Image per service name of `belay.yaml`. */
  readonly services: Readonly<Record<string, ImageIdentity>>;
  readonly evidence: Evidence;
  /** When the source is known only from image labels, which anybody can write. */
  readonly unverified?: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
}

export type ReleaseDraft = Omit<Release, "schema" | "parent">;

/** Digest of the document: what names a release. */
export function releaseDigest(release: Release): Digest {
  return sha256(canonicalJson(release));
}

/** The first document of a chain. */
export function createRelease(draft: ReleaseDraft): Release {
  return { schema: "belay.release/v1", ...draft };
}

export interface ReleaseChange {
  readonly stage: Stage;
  readonly services?: Readonly<Record<string, ImageIdentity>>;
  readonly evidence?: Evidence;
  readonly createdAt: string;
}

/** The next document of a chain: names `parent` by digest and keeps what it does not change. */
export function deriveRelease(parent: Release, change: ReleaseChange): Release {
  return {
    ...parent,
    stage: change.stage,
    parent: releaseDigest(parent),
    services: change.services ?? parent.services,
    evidence: { ...parent.evidence, ...change.evidence },
    createdAt: change.createdAt,
  };
}

/** Writes the document whole or not at all (a temporary file, then a rename). */
export async function writeRelease(path: string, release: Release): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(release, null, 2)}\n`);
  await rename(temporary, path);
}

/** @throws BelayError RELEASE_INVALID when the file is missing or is no release of this schema. */
export async function readRelease(path: string): Promise<Release> {
  let text: string;
  try {
    text = await readJobFile(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new BelayError("RELEASE_INVALID", {
      doing: "reading the release",
      got: missing ? `there is no release at ${path}` : messageOf(error),
      next: "Run the stage before (build, then push), or name one with `release`.",
      cause: error,
    });
  }
  return parseRelease(text, `reading the release ${path}`);
}

/** @throws BelayError RELEASE_INVALID */
export function parseRelease(text: string, doing = "reading a release"): Release {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new BelayError("RELEASE_INVALID", { doing, got: `it is no JSON (${messageOf(error)})`, cause: error });
  }
  const wrong = findMistake(value);
  if (wrong !== undefined) {
    const next = "Use the file that Belay's own build or push step wrote.";
    throw new BelayError("RELEASE_INVALID", { doing, got: wrong, next });
  }
  return value as Release;
}

function findMistake(value: unknown): string | undefined {
  if (!isRecord(value)) return "it is no JSON object";
  if (value.schema !== "belay.release/v1") {
    return `its schema is ${JSON.stringify(value.schema)}, this version reads "belay.release/v1"`;
  }
  if (typeof value.application !== "string" || typeof value.stage !== "string")
    return "application or stage is missing";
  const source = findSourceMistake(value.source);
  if (source !== undefined) return source;
  if (typeof value.createdAt !== "string") return "createdAt is missing";
  if (!isRecord(value.evidence)) return "evidence is missing";
  if (!isRecord(value.services)) return "services are missing";
  for (const [name, image] of Object.entries(value.services)) {
    // Names become parts of paths and of lines in the log.
    if (!SERVICE.test(name) || name in Object.prototype) return `${JSON.stringify(name)} is no name of a service`;
    const wrong = findImageMistake(image);
    if (wrong !== undefined) return `services.${name}: ${wrong}`;
  }
  return undefined;
}

const TEXTS = ["repository", "mergedOnto", "ref", "author", "title", "committedAt"];

function findSourceMistake(source: unknown): string | undefined {
  if (!isRecord(source) || typeof source.revision !== "string") return "source.revision is missing";
  const { pullRequest = 0, dirty = false, run } = source;
  const wrong = TEXTS.find((key) => source[key] !== undefined && typeof source[key] !== "string");
  if (wrong !== undefined) return `source.${wrong} is no text`;
  if (!Number.isSafeInteger(pullRequest)) return "source.pullRequest is no number";
  if (typeof dirty !== "boolean") return "source.dirty is neither true nor false";
  if (run === undefined) return undefined;
  const known = isRecord(run) && typeof run.id === "string" && Number.isSafeInteger(run.attempt);
  return known && ["undefined", "string"].includes(typeof run.url) ? undefined : "source.run is no run";
}

function findImageMistake(image: unknown): string | undefined {
  if (!isRecord(image) || typeof image.repository !== "string") return "repository is missing";
  if (!isRecord(image.platforms) || !Array.isArray(image.tags)) return "platforms or tags are missing";
  if (!isRepository(image.repository)) {
    return `${JSON.stringify(image.repository)} is no repository`;
  }
  const tag = image.tags.find((one) => typeof one !== "string" || !TAG.test(one));
  if (tag !== undefined) return `${JSON.stringify(tag)} is no tag`;
  for (const [platform, parts] of Object.entries(image.platforms)) {
    const wrong = isRecord(parts) ? noDigest(parts, "config", "manifest") : "it";
    if (wrong !== undefined) return `platforms.${JSON.stringify(platform)}: ${wrong} is no sha256 digest`;
  }
  const wrong = noDigest(image, "digest", "index");
  return wrong === undefined ? undefined : `${wrong} is no sha256 digest`;
}

/** Which of these is something else than a digest. */
function noDigest(of: Record<string, unknown>, ...keys: readonly string[]): string | undefined {
  return keys.find((key) => of[key] !== undefined && !(typeof of[key] === "string" && isDigest(of[key])));
}

function isRepository(text: string): boolean {
  const reference = parseReference(text);
  return reference !== undefined && reference.tag === undefined && reference.digest === undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
