import type { KubernetesObject } from "../kubernetes-object.ts";

/** One object of the user's manifests, with its place for messages. */
export interface Manifest {
  readonly body: KubernetesObject;
  /** `k8s/web.yaml:12`, or `k8s/overlays/staging` for what a kustomization makes. */
  readonly place: string;
  /** kustomize gives generated ConfigMaps and Secrets a name that changes with their content. */
  readonly fromKustomize: boolean;
  /** Name in belay.yaml of the service whose workload this is. */
  readonly service?: string;
}

/** A YAML text and where it came from. */
export interface ManifestText {
  /** As people know it: relative to belay.yaml. */
  readonly title: string;
  readonly text: string;
  readonly fromKustomize: boolean;
}
