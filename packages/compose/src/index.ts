/** The compose target: rolling and recreating deployments of Docker Compose projects. */
export { askComposeVersion } from "./compose-cli.ts";
export type { ComposeTargetOptions } from "./compose-options.ts";
export { createComposeTarget } from "./compose-target.ts";
export { VolumeRecordStore } from "./volume-record-store.ts";
