import type { ScanSettings } from "@belay/config";
import {
  BelayError,
  deriveRelease,
  type Release,
  type ScanEvidence,
  type ScannedService,
  scanEvidence,
  scannedService,
  whyNotScanned,
} from "@belay/core";
import type { PipelineContext } from "../run/context.ts";

/**
 * Nothing gets a tag that was not scanned. The release as it may be pushed: the same one when each of its images, those of
 * others too, is the very one that was scanned and passed. Where the settings switch the scan off the next one says so.
 * @throws BelayError NOT_SCANNED
 */
export function requireScanned(context: PipelineContext, settings: ScanSettings, release: Release): Release {
  const evidence = scanEvidence(release);
  const isOff = (name: string): boolean => (settings.services[name] ?? settings.gate).off;
  const problems = Object.entries(release.services).flatMap(([name, image]) => {
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
  const unseen = Object.keys(release.services).filter(isOff);
  if (unseen.length === 0) return release;
  context.log.warn(`${unseen.join(", ")}: taken without a scan, because the settings switch it off.`, {
    title: "Not scanned",
  });
  const scan = withOff(evidence, release, unseen, context.clock.date().toISOString());
  return deriveRelease(release, { stage: "scan", evidence: { scan }, createdAt: scan.scannedAt });
}

/** What is not off has passed, as was just held. */
function withOff(
  evidence: ScanEvidence | undefined,
  { services }: Release,
  unseen: readonly string[],
  now: string,
): ScanEvidence {
  const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };
  const off: ScannedService = { result: "off", counts, platforms: {} };
  const all = Object.keys(services).flatMap((name) => {
    const one = unseen.includes(name) ? off : scannedService(evidence, name);
    return one === undefined ? [] : [[name, one] as const];
  });
  const result = all.every(([, one]) => one === off) ? "off" : "passed";
  return { ...evidence, result, scannedAt: now, services: Object.fromEntries(all) };
}
