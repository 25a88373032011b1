/** Client of the Docker Engine API, over the connection that the docker command line makes. */
export { CLI_VARIABLES } from "./cli-variables.ts";
export {
  type ConnectOptions,
  connectDocker,
  type Docker,
  type EnginePing,
  NEWEST_API,
  OLDEST_API,
} from "./connect-docker.ts";
export type { ExecOptions, ExecResult } from "./container-exec.ts";
export type { ContainerFile } from "./container-files.ts";
export type { LogLine, LogOptions } from "./container-logs.ts";
export type { Containers } from "./containers.ts";
export { clientFolder, DEFAULT_SOCKET, usesDefaultContext } from "./context-address.ts";
export { describeEvent } from "./describe-event.ts";
export { EngineError, isConflict, isNotFound, isOutOfSequence } from "./engine-error.ts";
export type { CallOptions } from "./engine-http.ts";
export type * from "./engine-types.ts";
export type { EventQuery } from "./events.ts";
export { type AuthExpiry, expiryOf } from "./expiring-auth.ts";
export type { Progress } from "./follow-progress.ts";
export type { Images, TransferOptions } from "./images.ts";
export type { Networks } from "./networks.ts";
export type { Nodes } from "./nodes.ts";
export type { RegistryAuth } from "./registry-auth.ts";
export type { ServiceChangeOptions, Services } from "./services.ts";
export type { SwarmFileBody, SwarmFiles } from "./swarm-files.ts";
export type * from "./swarm-types.ts";
export type { KeptTasks, TaskQuery, Tasks } from "./tasks.ts";
export type { Volumes } from "./volumes.ts";
