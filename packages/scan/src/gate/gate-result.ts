import type { Comparison } from "../report/compare-reports.ts";
import type { Finding } from "../report/finding.ts";
import type { DatabaseVersion } from "../report/scan-report.ts";
import type { CouldNotScan } from "../trivy/could-not-scan.ts";
import type { Scanner } from "../trivy/image-arguments.ts";
import type { Threat } from "./known-exploits.ts";

/** `known`: it would fail, but the image that runs has it too and only what is new counts. */
export type Effect = "fails" | "known" | "ignored" | "reported";

/** What the gate makes of one finding, and why. */
export interface Decision {
  readonly finding: Finding;
  readonly effect: Effect;
  readonly because: string;
  readonly threat?: Threat;
}

/** A rule or statement that somebody wrote, and what it did. */
export interface IgnoreUse {
  readonly id: string;
  /** `.trivyignore:3`. */
  readonly origin: string;
  readonly reason?: string;
  /** ISO 8601. */
  readonly expiresAt?: string;
  /** Its time is over: what it means is no longer ignored. */
  readonly expired: boolean;
  /** How many findings it means. */
  readonly findings: number;
}

/** What the gate found. */
export interface GateResult {
  /**
   * `vulnerable` is proven; `could_not_scan` says that some platform is unknown and none was proven vulnerable, so that
   * who lets the latter pass never lets the former pass with it.
   */
  readonly result: "passed" | "vulnerable" | "could_not_scan";
  readonly exitCode: number;
  /** The worst first. */
  readonly decisions: readonly Decision[];
  readonly ignores: readonly IgnoreUse[];
  readonly obstacles: readonly CouldNotScan[];
  /** Only with reports of the image that runs: the comparison, or why there is none (then everything counts as new). */
  readonly comparison?: Comparison | { readonly impossible: string };
  /** The oldest that was used. */
  readonly database?: DatabaseVersion & { readonly ageMs: number };
  /** The oldest that named Java archives; none: no image has one, or nobody knows. */
  readonly javaDatabase?: DatabaseVersion & { readonly ageMs: number };
  /** What every report looked for; none: of one nobody knows, or there is none. */
  readonly scanners?: readonly Scanner[];
  /** It passed though only a part was looked at. */
  readonly partial: boolean;
  /** What a reader has to know: broken rules, an OS at its end of life, packages that could not be checked. */
  readonly notes: readonly string[];
}
