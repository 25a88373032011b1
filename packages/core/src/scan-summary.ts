import type { ScanResult } from "./scan-evidence.ts";

/** One finding for people. All of it is outside text. */
export interface ScanRow {
  /** Compared with what runs; none when that is not known. */
  readonly change?: "new" | "fixed" | "unchanged";
  /** What the gate makes of it; none of what the change fixes. */
  readonly effect?: "fails" | "known" | "reported" | "ignored";
  readonly severity: string;
  /** `CVE-…`, the rule of a secret, … */
  readonly id: string;
  readonly link?: string;
  /** `lodash 4.17.11`, `/app/settings.sh:3`. */
  readonly subject: string;
  /** `fixed in 4.17.12`. */
  readonly remedy: string;
  /** The instruction, or the layer, that brought it in. */
  readonly origin: string;
  /** Why the gate decided so. */
  readonly because?: string;
  readonly platforms: readonly string[];
  readonly exploited?: boolean;
}

/** The scan of one service's image. */
export interface ScanServiceSummary {
  readonly service: string;
  readonly result: ScanResult;
  /** It passed though only a part of the image was looked at. */
  readonly partial?: true;
  /** One line. Outside text. */
  readonly headline: string;
  /** The worst first; not all when there are many. */
  readonly rows: readonly ScanRow[];
  readonly total: number;
  /** Compared with what runs; or why there is nothing to compare with. */
  readonly comparison?:
    | { readonly introduced: number; readonly fixed: number; readonly unchanged: number }
    | { readonly impossible: string };
  /** Why platforms could not be scanned. Outside text. */
  readonly obstacles: readonly string[];
  /** Outside text. */
  readonly notes: readonly string[];
}

/** What people are told of a scan: made once by the scan, shown by comment and summary. */
export interface ScanSummary {
  readonly result: ScanResult;
  readonly services: readonly ScanServiceSummary[];
  readonly database?: { readonly updatedAt: string; readonly ageMs: number };
  /** The one that names Java archives, where an image has one. */
  readonly javaDatabase?: { readonly updatedAt: string; readonly ageMs: number };
  readonly scanner?: string;
  /** What was looked for in every image. */
  readonly scanners?: readonly string[];
}
