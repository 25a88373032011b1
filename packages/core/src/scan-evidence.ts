import { byNormalisedPlatform } from "./by-normalised-platform.ts";
import { type Digest, isDigest } from "./digest.ts";
import type { ImageIdentity, Platform, PlatformIdentity } from "./identity.ts";
import type { Release } from "./release.ts";

/** `vulnerable` is proven; `could_not_scan` says that nothing is known; `off`: nobody looked, because the settings say so. */
export type ScanResult = "passed" | "vulnerable" | "could_not_scan" | "off";

/** One platform of an image that was scanned: what it was, and the report that speaks of it. */
export interface ScannedPlatform extends PlatformIdentity {
  /** Of Trivy's JSON report; none when the platform could not be scanned. */
  readonly report?: Digest;
}

export interface ScannedService {
  readonly result: ScanResult;
  /** Only a part was looked at, which was allowed: the settings wanted more, or nobody knows what was looked for. */
  readonly partial?: true;
  /** Findings by what the gate made of them, each counted once over platforms. */
  readonly counts: Readonly<Record<"fails" | "known" | "reported" | "ignored", number>>;
  readonly platforms: Readonly<Record<Platform, ScannedPlatform>>;
  /** Digest of the rules of the gate: two results with equal ones were measured alike. None when it is off. */
  readonly policy?: Digest;
}

/** What the scan gate found, in the release: bound to the identities that were scanned. */
export interface ScanEvidence {
  readonly result: ScanResult;
  /** ISO 8601. */
  readonly scannedAt: string;
  readonly scanner?: { readonly name: "trivy"; readonly version: string };
  readonly database?: {
    readonly schema: number;
    /** ISO 8601: when it was made. */
    readonly updatedAt: string;
    readonly ageMs: number;
    /** Of its file; none when a server has it. */
    readonly digest?: Digest;
  };
  /** The one that names Java archives, where an image has one. */
  readonly javaDatabase?: { readonly schema: number; readonly updatedAt: string; readonly ageMs: number };
  /** What was looked for in every image: vuln, secret, misconfig, license. None: of one of them nobody knows. */
  readonly scanners?: readonly string[];
  /** By name in belay.yaml. */
  readonly services: Readonly<Record<string, ScannedService>>;
}

/** What a release says of its scan; `undefined` when it was never scanned, or says it in a form that nobody knows. */
export function scanEvidence(release: Release): ScanEvidence | undefined {
  const { scan } = release.evidence as { readonly scan?: unknown };
  const complete =
    isRecord(scan) &&
    isResult(scan.result) &&
    typeof scan.scannedAt === "string" &&
    isRecord(scan.services) &&
    Object.values(scan.services).every(isScanned);
  return complete ? (scan as unknown as ScanEvidence) : undefined;
}

/** What the evidence says of a service, whatever it is called. */
export function scannedService(evidence: ScanEvidence | undefined, service: string): ScannedService | undefined {
  return evidence !== undefined && Object.hasOwn(evidence.services, service) ? evidence.services[service] : undefined;
}

function isScanned(value: unknown): boolean {
  if (!isRecord(value) || !isResult(value.result) || !isRecord(value.counts) || !isRecord(value.platforms))
    return false;
  const platforms = Object.values(value.platforms);
  return Object.values(value.counts).every(Number.isSafeInteger) && platforms.every(isScannedPlatform);
}

function isScannedPlatform(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const digests = [value.config, value.manifest, value.report].filter((one) => one !== undefined);
  return digests.every((one) => typeof one === "string" && isDigest(one));
}

function isResult(value: unknown): value is ScanResult {
  return value === "passed" || (typeof value === "string" && Object.hasOwn(WORDS, value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why this very image can't be taken for scanned and passed, in words; `undefined` when it can. */
export function whyNotScanned(service: ScannedService | undefined, image: ImageIdentity): string | undefined {
  if (service === undefined) return "it was not scanned";
  if (service.result !== "passed") return WORDS[service.result];
  const known = byNormalisedPlatform(service.platforms);
  for (const [platform, identity] of byNormalisedPlatform(image.platforms)) {
    const scanned = known.get(platform);
    if (scanned?.report === undefined) return `its platform ${platform} was not scanned`;
    if (!isSame(scanned, identity)) {
      return `${platform} was scanned as ${name(scanned)}, and is ${name(identity)} now`;
    }
  }
  return undefined;
}

const WORDS = {
  vulnerable: "its scan found what the gate does not let pass",
  could_not_scan: "it could not be scanned",
  off: "its scan was switched off when it was made",
} as const satisfies Record<Exclude<ScanResult, "passed">, string>;

/** What both know has to be equal, and they have to know something in common. */
function isSame(scanned: PlatformIdentity, now: PlatformIdentity): boolean {
  const pairs = [
    [scanned.config, now.config],
    [scanned.manifest, now.manifest],
  ].filter(([a, b]) => a !== undefined && b !== undefined);
  return pairs.length > 0 && pairs.every(([a, b]) => a === b);
}

function name({ config, manifest }: PlatformIdentity): string {
  return config ?? manifest ?? "an unknown image";
}
