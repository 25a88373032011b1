/** Of the scanner's findings, from the least to the worst. */
export const SCAN_SEVERITIES = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"] as const;

/** What the scanner looks for. */
export const SCANNER_NAMES = ["vuln", "secret", "misconfig", "license"] as const;

/** What is known about a fix. */
export const FIX_STATUS_NAMES = [
  "unknown",
  "not_affected",
  "affected",
  "fixed",
  "under_investigation",
  "will_not_fix",
  "fix_deferred",
  "end_of_life",
] as const;

/** Where the program comes from: this machine, a verified download, or this machine with a server's knowledge. */
export const SCANNER_SOURCES = ["installed", "download", "server"] as const;

/** Other formats of a scan's report. */
export const SCAN_FORMATS = ["sarif", "cyclonedx", "spdx-json", "github"] as const;
