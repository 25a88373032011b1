import type { FindingKind, FixStatus } from "../report/finding.ts";
import type { Severity } from "../report/severity.ts";
import type { Scanner } from "../trivy/image-arguments.ts";

/** What lets a scan fail. Everything that was found is reported, whatever it says. */
export interface GatePolicy {
  /** Empty: severities let nothing fail. */
  readonly failOn: readonly Severity[];
  /** Kinds that may fail. */
  readonly kinds: readonly FindingKind[];
  /** Ignores vulnerabilities without a fixed version. */
  readonly ignoreUnfixed: boolean;
  /** Ignores vulnerabilities of these statuses. */
  readonly ignoreStatuses: readonly FixStatus[];
  /** Fails on what is known to be exploited, whatever its severity. Has no effect without a catalogue. */
  readonly failOnExploited: boolean;
  /** Fails from this chance of being exploited (EPSS, 0 to 1), whatever the severity. */
  readonly failOnProbability?: number;
  /** Fails only for what the change brings in, compared to the image that runs. */
  readonly onlyNew: boolean;
  /** An image in which nothing was recognised passes, instead of counting as not scanned. */
  readonly allowUnknownOs: boolean;
  /** What has to be looked for. Where severities fail, vulnerabilities are, whatever it says. */
  readonly scanners: readonly Scanner[];
  /** An image of which only a part was looked at passes, and that is told, instead of counting as not scanned. */
  readonly allowPartial: boolean;
}

export const DEFAULT_POLICY: GatePolicy = {
  failOn: ["CRITICAL", "HIGH"],
  kinds: ["vulnerability", "secret", "misconfiguration", "licence"],
  ignoreUnfixed: false,
  ignoreStatuses: [],
  failOnExploited: true,
  onlyNew: false,
  allowUnknownOs: false,
  scanners: ["vuln", "secret"],
  allowPartial: false,
};
