import type { ScanSettings } from "@belay/config";
import { mapBounded, type Platform } from "@belay/core";
import { type CouldNotScan, type ImageScan, type PlatformScan, scanImage } from "@belay/scan";
import type { PipelineContext } from "../run/context.ts";
import type { Scanner } from "./open-scanner.ts";
import type { PlacedImage } from "./place-image.ts";

/** What was found in each image, in the order of the images. */
export type ImageScans = readonly ImageScan[];

interface Job {
  readonly index: number;
  readonly image: PlacedImage;
  /** Left out for an engine, which has one. */
  readonly platform?: Platform;
}

/**
 * Scans every platform of every image, a bounded number at a time, with one database. What can't be scanned is part of the
 * result.
 * @throws the signal's reason
 */
export async function scanImages(
  context: PipelineContext,
  scanner: Scanner,
  settings: ScanSettings,
  images: readonly (PlacedImage | CouldNotScan)[],
): Promise<ImageScans> {
  const jobs = images.flatMap((image, index) => ("obstacle" in image ? [] : jobsOf(image, index)));
  const done = await mapBounded(jobs, settings.parallel, context.signal, async (job, signal) => {
    const { identity, ...place } = job.image;
    const found = await scanImage({
      ...place,
      trivy: scanner.trivy,
      knowledge: scanner.knowledge,
      reports: scanner.reports,
      ...(job.platform === undefined ? {} : { platforms: [job.platform] }),
      expected: identity.platforms,
      scanners: settings.scanners,
      timeoutMs: settings.timeoutMs,
      log: context.log,
      signal,
    });
    return { index: job.index, found };
  });
  return images.map((image, index) => {
    if ("obstacle" in image) return { scans: [], obstacles: [image] };
    const own = done.filter((one) => one.index === index).map((one) => one.found);
    const scans = own.flatMap((one): readonly PlatformScan[] => one.scans);
    return { scans, obstacles: own.flatMap((one) => one.obstacles) };
  });
}

function jobsOf(image: PlacedImage, index: number): Job[] {
  const platforms = Object.keys(image.identity.platforms);
  if (image.subject.kind === "engine") return [{ index, image }];
  return platforms.map((platform) => ({ index, image, platform }));
}
