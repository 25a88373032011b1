import type { ScanSettings } from "@belay/config";
import {
  BelayError,
  deriveRelease,
  isOwn,
  type Release,
  type ScanEvidence,
  scanEvidence,
  scannedService,
  whyNotScanned,
} from "@belay/core";
import type { PipelineContext } from "../run/context.ts";

/**
 * Nothing gets a tag that was not scanned. The release as it may be pushed: the same one when each of its images is the
 * very one that was scanned and passed. Where the settings switch the scan off the next one says so.
 * @throws BelayError NOT_SCANNED
 */
export function requireScanned(context: PipelineContext, settings: ScanSettings, release: Release): Release {
  const evidence = scanEvidence(release);
  const built = Object.entries(release.services).filter(([, image]) => isOwn(image));
  const isOff = (name: string): boolean => (settings.services[name] ?? settings.gate).off;
  const problems = built.flatMap(([name, image]) => {
    const why = isOff(name) ? undefined : whyNotScanned(scannedService(evidence, name), image);
    return why === undefined ? [] : [`${name}: ${why}`];
  });
  if (problems.length > 0) {
    throw new BelayError("NOT_SCANNED", {
      doing: "looking at the scan before the push",
      got: `${problems.join("; ")}. Nothing was pushed`,
      next: "Run the scan step between build and push; or switch it off in belay.yaml (`scan: off`), and the release says so.",
    });
  }
  const unseen = built.map(([name]) => name).filter((name) => isOff(name));
  if (unseen.length === 0) return release;
  context.log.warn(`${unseen.join(", ")}: pushed without a scan, because the settings switch it off.`, {
    title: "Not scanned",
  });
  const scan = withOff(evidence, unseen, context.clock.date().toISOString());
  return deriveRelease(release, { stage: "scan", evidence: { scan }, createdAt: scan.scannedAt });
}

function withOff(evidence: ScanEvidence | undefined, services: readonly string[], now: string): ScanEvidence {
  const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };
  const off = services.map((name) => [name, { result: "off", counts, platforms: {} }] as const);
  const kept = evidence?.services ?? {};
  const all = { ...kept, ...Object.fromEntries(off) };
  const seen = Object.values(all).filter(({ result }) => result !== "off");
  return { ...evidence, result: seen.length === 0 ? "off" : "passed", scannedAt: now, services: all };
}
