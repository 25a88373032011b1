import type { Digest, Platform, PlatformIdentity } from "@belay/core";
import { isSamePlatform } from "../report/is-same-platform.ts";
import type { ScanReport } from "../report/scan-report.ts";
import { ScanError } from "../trivy/could-not-scan.ts";

export interface ExpectedIdentity {
  readonly platform?: Platform;
  /** Digest of the image's config. */
  readonly config?: Digest | undefined;
  /** The name under which an engine was asked for it: with the containerd store that is no config. */
  readonly id?: Digest | undefined;
  /** Where the platform is known only from the report: what it has to be then. */
  readonly any?: Readonly<Record<Platform, PlatformIdentity>> | undefined;
}

/**
 * A registry or an archive can hand out another image, or another platform, than was asked for: then the scan speaks of
 * that one.
 * @throws ScanError wrong_image
 */
export function checkIdentity(report: ScanReport, expected: ExpectedIdentity, doing: string): void {
  const { platform } = report;
  if (expected.platform !== undefined && platform !== undefined && !isSamePlatform(platform, expected.platform)) {
    throw new ScanError("wrong_image", { doing, got: `an image for ${platform} was scanned` });
  }
  const config = expected.config ?? (platform === undefined ? undefined : expected.any?.[platform]?.config);
  if (config === undefined || report.imageId === config) return;
  if (expected.id !== undefined && report.imageId === expected.id) return;
  throw new ScanError("wrong_image", { doing, got: `${report.imageId ?? "something"} was scanned, and not ${config}` });
}
