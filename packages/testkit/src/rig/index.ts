export { beManager } from "./be-manager.ts";
export { BUILDKIT_IMAGE, buildkitImageArchive } from "./buildkit-image.ts";
export { type BuildkitRig, startBuildkit } from "./buildkit-rig.ts";
export { cacheFolder } from "./cache-folder.ts";
export { defaultEdition, type EngineEdition } from "./engine-edition.ts";
export { type EngineOptions, type EngineRig, startEngine } from "./engine-rig.ts";
export { ensureTools, type Tool } from "./ensure-tools.ts";
export { FakeClock } from "./fake-clock.ts";
export { type FakeDocker, type FakeDockerOptions, startFakeDocker } from "./fake-docker.ts";
export { findProgram, programFolders } from "./find-program.ts";
export { freePort } from "./free-port.ts";
export { type Cluster, type KubernetesRig, startKubernetes, useKubernetes } from "./kubernetes-rig.ts";
export { lendKubernetes } from "./lend-kubernetes.ts";
export { BASE_IMAGES, baseImageArchive, makeBaseImages } from "./make-base-images.ts";
export { makeProxyImages, PROXY_IMAGES } from "./make-proxy-images.ts";
export { type OddDocument, oddDocuments } from "./odd-documents.ts";
export { programRoot } from "./program-root.ts";
export { type ReferrersRegistry, startReferrersRegistry } from "./referrers-registry.ts";
export { type RegistryOptions, type RegistryRig, startRegistry } from "./registry-rig.ts";
export {
  type LoopCounts,
  type LoopResult,
  type RequestLoop,
  type RequestLoopOptions,
  requestLoop,
} from "./request-loop.ts";
export { shareEngine } from "./share-engine.ts";
export { fillDisk, freeDisk, mountDisk, unmountDisk } from "./small-disk.ts";
export { type SshOptions, type SshRig, startSsh } from "./ssh-rig.ts";
export { type SwarmNodeRig, type SwarmNodes, type SwarmNodesOptions, startSwarmNodes } from "./swarm-nodes.ts";
export { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
export { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";
export { createTestLog, type TestLog } from "./test-log.ts";
export { type IssuedToken, startTokens, type TokenOptions, type TokenRig, type TokenUser } from "./token-rig.ts";
export { type AttachedEngine, attachEngine, useEngine } from "./use-engine.ts";
export { waitUntil } from "./wait-until.ts";
export { withLock } from "./with-lock.ts";
