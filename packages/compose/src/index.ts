/** The compose target: rolling and recreating deployments of Docker Compose projects. */
export type { ComposeTargetOptions } from "./compose-options.ts";
export { createComposeTarget } from "./compose-target.ts";
export { VolumeRecordStore } from "./volume-record-store.ts";
