import type { FIX_STATUS_NAMES, SCAN_SEVERITIES, SCANNER_NAMES } from "./scan-words.ts";

/** What lets the scan of one service fail. Paths are absolute. */
export interface ScanGateSettings {
  /** Nothing of the service is scanned, and its image is pushed all the same. */
  readonly off: boolean;
  readonly failOn: readonly (typeof SCAN_SEVERITIES)[number][];
  readonly ignoreUnfixed: boolean;
  readonly ignoreStatuses: readonly (typeof FIX_STATUS_NAMES)[number][];
  /** `undefined`: Trivy's own names in {@link ScanSettings.directory}, where they are. */
  readonly ignoreFiles?: readonly string[];
  readonly vex: readonly string[];
  readonly onlyNew: boolean;
  readonly failOnExploited: boolean;
  /** 0 to 1. */
  readonly failOnProbability?: number;
  readonly allowUnknownOs: boolean;
  /** An image of which only a part was looked at may pass. */
  readonly allowPartial: boolean;
}

/** How images are scanned. Paths are absolute. */
export interface ScanSettings {
  /** Folder of belay.yaml, or the working directory. */
  readonly directory: string;
  /** The environment whose settings count; none was named, or there is none. */
  readonly environment?: string;
  /** Of services that the file does not speak of. */
  readonly gate: ScanGateSettings;
  /** By name in belay.yaml. */
  readonly services: Readonly<Record<string, ScanGateSettings>>;
  readonly scanners: readonly (typeof SCANNER_NAMES)[number][];
  readonly maxDbAgeMs: number;
  /** Of the database that names Java archives. */
  readonly maxJavaDbAgeMs: number;
  readonly updateDb: boolean;
  /** `undefined`: Trivy's own. */
  readonly dbRepositories?: readonly string[];
  readonly javaDbRepositories?: readonly string[];
  /** For one platform of one image. */
  readonly timeoutMs: number;
  /** Platforms at a time. */
  readonly parallel: number;
  /** `undefined`: Trivy's own. */
  readonly cacheDir?: string;
  readonly server?: string;
  readonly kev?: string;
  readonly epss?: string;
}
