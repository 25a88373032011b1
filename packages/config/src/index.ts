export { BUILD_INPUT_TEXTS, type BuildInput, type BuildOverrides } from "./build-inputs.ts";
export { type ConfigFile, loadConfig, parseConfig } from "./config-file.ts";
export { parseHealthInput } from "./health-input.ts";
export { loadOverrides, OVERRIDE_INPUTS, type OverrideInput, type Overrides } from "./overrides.ts";
export { type Problem, problemsOf } from "./problem.ts";
export { resolveScan, type ScanOptions } from "./resolve-scan.ts";
export {
  type ApplicationOptions,
  type ResolveOptions,
  resolveApplication,
  resolveSettings,
} from "./resolve-settings.ts";
export { loadScanOverrides, SCAN_INPUTS, type ScanInput, type ScanOverrides } from "./scan-inputs.ts";
export type { ScanGateSettings, ScanSettings } from "./scan-settings.ts";
export { FIX_STATUS_NAMES, SCAN_FORMATS, SCAN_SEVERITIES, SCANNER_NAMES, SCANNER_SOURCES } from "./scan-words.ts";
export * from "./settings.ts";
