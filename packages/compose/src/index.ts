/** The compose target: rolling and recreating deployments of Docker Compose projects. */

export { createComposeTarget } from "./compose-target.ts";
export { askComposeVersion } from "./files/compose-cli.ts";
export type { ComposeTargetOptions } from "./files/compose-options.ts";
export { VolumeRecordStore } from "./volume-record-store.ts";
