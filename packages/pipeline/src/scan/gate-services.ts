import {
  type Digest,
  digestOf,
  type ImageIdentity,
  oneLine,
  type ScanEvidence,
  type ScannedPlatform,
  type ScannedService,
  type ScanResult,
  type ScanSummary,
  sha256,
} from "@belay/core";
import {
  applyGate,
  countEffects,
  type DockerfileScan,
  type GateResult,
  type ImageScan,
  imagePurl,
  type ScanReport,
  summariseScan,
} from "@belay/scan";
import { offSummary } from "../report/scan-told.ts";
import type { GateRules } from "./scan-rules.ts";

/** One service's image, what was found in it, and what was found in the image that runs. */
export interface ScannedImage {
  readonly service: string;
  /** With the platforms that were scanned. */
  readonly identity: ImageIdentity;
  readonly found: ImageScan;
  /** The one that it was built from, whose findings are in `found`. */
  readonly dockerfile?: DockerfileScan;
  /** None: nothing runs. */
  readonly baseline?: readonly ScanReport[] | { readonly impossible: string };
  /** Why the baseline is without all that `dockerfile` tells, or a part of it. Outside text. */
  readonly uncompared?: string;
}

export interface GatedService {
  readonly service: string;
  readonly gate: GateResult;
  readonly scanned: ScannedService;
}

/** Decides about each service by its own rules. */
export function gateServices(
  rules: Readonly<Record<string, GateRules>>,
  images: readonly ScannedImage[],
  now: Date,
): readonly GatedService[] {
  return images.map((image): GatedService => {
    const own = rules[image.service];
    if (own === undefined) throw new TypeError(`nobody read the rules of ${image.service}`);
    const { scans, obstacles } = image.found;
    const purl = imagePurl(image.identity.repository, image.identity.digest);
    const { baseline } = image;
    const result = applyGate({
      ...own,
      reports: scans.map((one) => one.report),
      obstacles,
      images: purl === undefined ? [] : [purl],
      ...(baseline === undefined || "impossible" in baseline ? {} : { baseline }),
      now,
    });
    const gate = withReason(result, image, own.policy.onlyNew);
    const { threats: _many, ...policy } = own;
    return { service: image.service, gate, scanned: scannedService(image, gate, digestOf(policy)) };
  });
}

/** Why there is nothing to compare with, or not all, told where people look for the comparison. */
function withReason(result: GateResult, image: ScannedImage, onlyNew: boolean): GateResult {
  const { baseline } = image;
  if (baseline === undefined || !("impossible" in baseline)) return withUncompared(result, image, onlyNew);
  const notes = onlyNew ? [...result.notes, `Everything counts as new: ${baseline.impossible}.`] : result.notes;
  return { ...result, comparison: { impossible: baseline.impossible }, notes };
}

/** With `onlyNew` it is told before it stops anything; else where something is called new that may not be. */
function withUncompared(result: GateResult, { dockerfile, uncompared }: ScannedImage, onlyNew: boolean): GateResult {
  const { comparison, notes } = result;
  if (dockerfile === undefined || uncompared === undefined || comparison === undefined) return result;
  if ("impossible" in comparison) return result;
  if (!onlyNew && !comparison.introduced.some((finding) => finding.inRepository)) return result;
  const note = `What only ${oneLine(dockerfile.path)} tells counts as new: ${uncompared}.`;
  return { ...result, notes: [...notes, note] };
}

function scannedService({ identity, found }: ScannedImage, gate: GateResult, policy: Digest): ScannedService {
  const platforms = Object.entries(identity.platforms).map(([platform, one]): [string, ScannedPlatform] => {
    const scan =
      found.scans.find(({ report }) => report.platform === platform) ??
      found.scans.find(({ report }) => report.imageId !== undefined && report.imageId === one.config) ??
      onlyOne(found, identity);
    return [platform, { ...one, ...(scan === undefined ? {} : { report: sha256(scan.json) }) }];
  });
  return {
    result: gate.result,
    ...(gate.partial ? { partial: true } : {}),
    counts: countEffects(gate.decisions),
    platforms: Object.fromEntries(platforms),
    policy,
  };
}

/** A config that leaves its variant out says another platform than the index, of the same image; its digest may be unknown. */
function onlyOne({ scans }: ImageScan, { platforms }: ImageIdentity) {
  return scans.length === 1 && Object.keys(platforms).length === 1 ? scans[0] : undefined;
}

/** One result of several: what is proven counts before what is unknown. */
export function worstResult(results: readonly ScanResult[]): ScanResult {
  for (const result of ["vulnerable", "could_not_scan", "passed"] as const) {
    if (results.includes(result)) return result;
  }
  return "off";
}

/** What the release and people are told. */
export function tellGates(
  gated: readonly GatedService[],
  off: readonly string[],
  facts: Pick<ScanEvidence, "scannedAt" | "scanner"> & { readonly database?: Digest },
): { readonly evidence: ScanEvidence; readonly summary: ScanSummary } {
  const result = worstResult(gated.map(({ gate }) => gate.result));
  const database = oldestOf(gated, "database");
  const java = oldestOf(gated, "javaDatabase");
  const known = database && { ...database, ...(facts.database === undefined ? {} : { digest: facts.database }) };
  const none = off.map((service): [string, ScannedService] => [service, switchedOff()]);
  const all = [...gated.map(({ service, scanned }) => [service, scanned] as const), ...none];
  const { scannedAt, scanner } = facts;
  const scanners = soughtInAll(gated);
  return {
    evidence: {
      result,
      scannedAt,
      ...(scanner === undefined ? {} : { scanner }),
      ...(known === undefined ? {} : { database: known }),
      ...(java === undefined ? {} : { javaDatabase: java }),
      ...scanners,
      services: Object.fromEntries(all),
    },
    summary: {
      result,
      services: [...gated.map(({ service, gate }) => summariseScan(service, gate)), ...off.map(offSummary)],
      ...(database === undefined ? {} : { database: { updatedAt: database.updatedAt, ageMs: database.ageMs } }),
      ...(java === undefined ? {} : { javaDatabase: { updatedAt: java.updatedAt, ageMs: java.ageMs } }),
      ...(scanner === undefined ? {} : { scanner: `Trivy ${scanner.version}` }),
      ...scanners,
    },
  };
}

function soughtInAll(gated: readonly GatedService[]): Pick<ScanEvidence, "scanners"> {
  const [first, ...others] = gated.map(({ gate }) => gate.scanners);
  if (first === undefined || others.includes(undefined)) return {};
  return { scanners: first.filter((one) => others.every((all) => all?.includes(one))) };
}

function switchedOff(): ScannedService {
  const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };
  return { result: "off", counts, platforms: {} };
}

function oldestOf(gated: readonly GatedService[], which: "database" | "javaDatabase"): GateResult["database"] {
  return gated.flatMap(({ gate }) => gate[which] ?? []).sort((a, b) => b.ageMs - a.ageMs)[0];
}
