import { z } from "zod";
import { SCANNERS, type Scanner } from "../trivy/image-arguments.ts";
import { readChecked } from "./read-checked.ts";

export const PACKAGE_KINDS = ["os", "library"] as const;

/** What was looked for in an image, and where. Trivy's report tells none of it: what it found nothing of looks the same. */
export interface ScanScope {
  readonly scanners: readonly Scanner[];
  /** Kinds of packages; none: all of them. */
  readonly packages?: readonly (typeof PACKAGE_KINDS)[number][];
  /** Folders and files that were left out, as whoever did so wrote them. Outside text. */
  readonly skipped?: readonly string[];
}

const SCOPE = z.object({
  scanners: z.array(z.enum(SCANNERS)),
  packages: z.array(z.enum(PACKAGE_KINDS)).optional(),
  skipped: z.array(z.string()).optional(),
});

/** Beside a report that another program wrote: what it looked for, as {@link ScanScope} in JSON. */
export function scopeFileOf(reportPath: string): string {
  return `${reportPath.replace(/\.json$/, "")}.scope.json`;
}

/** @throws ScanError broken_report */
export function parseScope(json: string, file: string): ScanScope {
  const next = 'It is to be like {"scanners": ["vuln", "secret"]}.';
  const { scanners, packages, skipped } = readChecked(json, SCOPE, { doing: `reading ${file}`, next });
  return { scanners, ...(packages === undefined ? {} : { packages }), ...(skipped === undefined ? {} : { skipped }) };
}
