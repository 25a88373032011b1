/** The Kubernetes target: existing workloads and manifests, observed by watches. */
export { ApiError, isMissing, isStatus, isTaken } from "./api/api-error.ts";
export { type ConnectOptions, connectKubernetes, type KubernetesConnection } from "./api/connect-kubernetes.ts";
