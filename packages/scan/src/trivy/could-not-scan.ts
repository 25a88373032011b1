import { BelayError, type Platform } from "@belay/core";

/** Why nothing is known about an image. None of them says anything about the image's vulnerabilities. */
export const SCAN_OBSTACLES = {
  no_database: "there is no database of vulnerabilities",
  stale_database: "the database of vulnerabilities is too old",
  rate_limited: "the registry limits the rate of requests",
  unauthorised: "the registry refused access",
  server_refused: "the scan server refused access",
  unreachable: "the image's source or the scan server can't be reached",
  image_not_found: "the image is not there",
  wrong_image: "another image than the one asked for was scanned",
  broken_image: "the image can't be read",
  unknown_os: "nothing is known about the packages of the image",
  unread_dockerfile: "what the Dockerfile did can't be read from the image's history",
  partial_scan: "only a part of the image was looked at",
  unusable_folder: "a folder that the scan needs can't be used",
  cache_locked: "the cache is in use by another process",
  timed_out: "the scan was not done in time",
  broken_report: "the scanner's report can't be read",
  scanner_failed: "the scanner failed",
  no_scanner: "the scanner can't be had",
  untrusted_scanner: "the scanner that was downloaded is not the one that was asked for",
} as const satisfies Record<string, string>;

export type ScanObstacle = keyof typeof SCAN_OBSTACLES;

/** A scan that did not happen: a result of its own, neither clean nor vulnerable. */
export interface CouldNotScan {
  readonly obstacle: ScanObstacle;
  /** What was being done, what came back, what to do next. Redacted. */
  readonly message: string;
  readonly platform?: Platform;
}

/** Thrown within this package; what scans images gives it back as a {@link CouldNotScan}. */
export class ScanError extends BelayError {
  readonly obstacle: ScanObstacle;

  constructor(obstacle: ScanObstacle, parts: { doing: string; got?: string; next?: string; cause?: unknown }) {
    super("SCAN_FAILED", { ...parts, got: parts.got ?? SCAN_OBSTACLES[obstacle] });
    this.name = "ScanError";
    this.obstacle = obstacle;
  }
}

export function couldNotScan(error: ScanError, platform?: Platform): CouldNotScan {
  return { obstacle: error.obstacle, message: error.message, ...(platform === undefined ? {} : { platform }) };
}
