/** The swarm target: rolling updates of services and stacks of Docker Swarm. */
export { ConfigRecordStore } from "./config-record-store.ts";
export type * from "./desired.ts";
export { removeCreated, renderStack } from "./stack/index.ts";
export type { SwarmOptions } from "./swarm-options.ts";
export { createSwarmTarget } from "./swarm-target.ts";
