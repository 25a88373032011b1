import type { Platform } from "@belay/core";
import type { Severity } from "./severity.ts";

export const FINDING_KINDS = ["vulnerability", "secret", "misconfiguration", "licence"] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** What is known about a fix (trivy-db, `pkg/types/status.go`). */
export const FIX_STATUSES = [
  "unknown",
  "not_affected",
  "affected",
  "fixed",
  "under_investigation",
  "will_not_fix",
  "fix_deferred",
  "end_of_life",
] as const;

export type FixStatus = (typeof FIX_STATUSES)[number];

/** The layer of the image that brought something in. */
export interface ImageLayer {
  /** Of the layer as the registry keeps it; unknown for an image of a local engine. */
  readonly digest?: string;
  /** Of the unpacked layer. */
  readonly diffId?: string;
  /** The instruction that made it. Outside text. */
  readonly createdBy?: string;
}

interface Found {
  readonly severity: Severity;
  /** `CVE-…`; the rule of a secret; the check of a misconfiguration; the name of a licence. */
  readonly id: string;
  /** One line. Outside text. */
  readonly title: string;
  /** The file, or the set of packages, in which it was found: `app/settings.sh`, `Node.js`. Outside text. */
  readonly target: string;
  /** The target is a file of the repository, by its path there, and not one of the image. */
  readonly inRepository?: true;
  readonly platform?: Platform;
  readonly layer?: ImageLayer;
  /** Web address of its description. */
  readonly link?: string;
}

export interface Vulnerability extends Found {
  readonly kind: "vulnerability";
  readonly package: string;
  readonly installed: string;
  /** The version, or the versions, without it: `4.17.12`, `1.2.3, 0.2.1`. None: there is no fix. */
  readonly fixed?: string;
  readonly status: FixStatus;
  /** File of the package in the image. */
  readonly path?: string;
  readonly purl?: string;
  /** Other names: `GHSA-…`, `DSA-…`. */
  readonly aliases: readonly string[];
  /** CVSS 3 or 4 base score, the highest that a source gives. */
  readonly score?: number;
}

/** The secret itself is not kept, not even masked. */
export interface LeakedSecret extends Found {
  readonly kind: "secret";
  readonly category: string;
  readonly line: number;
}

export interface Misconfiguration extends Found {
  readonly kind: "misconfiguration";
  readonly message: string;
  readonly resolution?: string;
  readonly line?: number;
}

export interface LicenceFinding extends Found {
  readonly kind: "licence";
  readonly package?: string;
  /** `restricted`, `forbidden`, … (Google's classification, as Trivy uses it). */
  readonly category: string;
}

export type Finding = Vulnerability | LeakedSecret | Misconfiguration | LicenceFinding;

/**
 * What makes two findings of two images the same. Of vulnerabilities that is CVE, package and version: neither the
 * layer, nor the file, nor the platform, which a rebuild or another base changes.
 */
export function findingKey(finding: Finding): string {
  switch (finding.kind) {
    case "vulnerability":
      return key(finding.kind, finding.id, finding.package, finding.installed);
    case "licence":
      return key(finding.kind, finding.id, finding.package ?? finding.target);
    // Lines move with every edit, so they tell nothing.
    default:
      return key(finding.kind, finding.id, finding.target);
  }
}

/**
 * Whether its key may mean several things of one image: two secrets of a kind in one file have the same. A vulnerability of a
 * package in two places is one all the same.
 */
export function isCounted({ kind }: Finding): boolean {
  return kind === "secret" || kind === "misconfiguration";
}

/** JSON, because names may hold any separator. */
function key(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
