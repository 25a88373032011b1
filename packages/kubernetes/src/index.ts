/** The Kubernetes target: existing workloads and manifests, observed by watches. */
export { ApiError, isMissing, isStatus, isTaken } from "./api/api-error.ts";
export { type ConnectOptions, connectKubernetes, type KubernetesConnection } from "./api/connect-kubernetes.ts";
export { removeObject } from "./change/remove-object.ts";
export type { DesiredObject, DesiredState, Marks, ObjectVerb, Preview, SavedObject } from "./desired.ts";
export { foreignOwnersOf } from "./foreign-owners.ts";
export type { KubernetesApi } from "./kubernetes-api.ts";
export { type KubernetesObject, keyOf, type ObjectKey, titleOf } from "./kubernetes-object.ts";
export type { KubernetesTargetOptions, ServiceNames } from "./kubernetes-options.ts";
export { createKubernetesTarget } from "./kubernetes-target.ts";
export { createApplyVerb } from "./manifests/apply-verb.ts";
export { createManifests } from "./manifests/create-manifests.ts";
export { type RenderOptions, renderManifests } from "./manifests/render-manifests.ts";
export { marksOf } from "./marks.ts";
export { SecretRecordStore } from "./secret-record-store.ts";
