import type { Platform } from "@belay/core";
import type { Finding } from "./finding.ts";
import type { ScanScope } from "./scan-scope.ts";

/** What the database of vulnerabilities tells of itself. Two scans with equal ones can be compared. */
export interface DatabaseVersion {
  /** Of its layout. */
  readonly schema: number;
  /** When it was made, ISO 8601: upstream makes one every six hours, and this names it. */
  readonly updatedAt: string;
}

/** What of the image could be looked at. No finding means nothing where there was nothing to look at. */
export interface ScanCoverage {
  readonly os?: { readonly family: string; readonly name: string; readonly endOfLife: boolean };
  /** Packages of the distribution were found, and checked. */
  readonly osPackages: boolean;
  /** A shell ran in it while it was built: it has programs that come from some distribution, known or not. */
  readonly shell?: true;
  /** Kinds of libraries that were checked: `node-pkg`, `jar`. */
  readonly libraries: readonly string[];
  /** How many packages were checked in all. */
  readonly packages: number;
  /**
   * What the Dockerfile did, as the image's history tells: `checked`; `unreadable`, when there is something and it was not
   * checked, whether that was asked for or not; `nothing`, when the history tells nothing. `file`: the history is unreadable, and the
   * Dockerfile itself was checked.
   */
  readonly dockerfile: "checked" | "unreadable" | "nothing" | "file";
}

/** One scan of one platform of an image, as Trivy's JSON report told it. */
export interface ScanReport {
  /** The name under which it was scanned. */
  readonly image: string;
  /** Digest of the image's config. */
  readonly imageId?: string;
  readonly platform?: Platform;
  readonly trivyVersion?: string;
  readonly database?: DatabaseVersion;
  /** The one that names Java archives. None: there is no archive in the image, or nobody knows. */
  readonly javaDatabase?: DatabaseVersion;
  readonly createdAt?: string;
  readonly coverage: ScanCoverage;
  /** What was looked for; none: nobody knows. */
  readonly scope?: ScanScope;
  /** All of them, whatever their severity: filters are the gate's. */
  readonly findings: readonly Finding[];
}
