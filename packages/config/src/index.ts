export { type ConfigFile, loadConfig, parseConfig } from "./config-file.ts";
export { parseHealthInput } from "./health-input.ts";
export { loadOverrides, OVERRIDE_INPUTS, type OverrideInput, type Overrides } from "./overrides.ts";
export { type Problem, problemsOf } from "./problem.ts";
export {
  type ApplicationOptions,
  type ResolveOptions,
  resolveApplication,
  resolveSettings,
} from "./resolve-settings.ts";
export * from "./settings.ts";
