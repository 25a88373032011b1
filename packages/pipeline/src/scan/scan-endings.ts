/** Endings of the files that a scan leaves, by format; each format has a folder of its own. */
export const SCAN_ENDINGS = {
  json: "json",
  sarif: "sarif",
  cyclonedx: "cdx.json",
  "spdx-json": "spdx.json",
  github: "snapshot.json",
} as const;
