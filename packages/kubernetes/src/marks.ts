import { type DeploymentContext, type Scope, scopeHash } from "@belay/core";
import type { Marks } from "./desired.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";

/** Who writes what Belay writes ("Field management"). */
export const FIELD_MANAGER = "belay";

/** Labels on the metadata of every object that Belay makes or changes. Names as Kubernetes wants them: a domain and a word. */
export const KUBERNETES_LABELS = {
  /** {@link scopeHash} of the scope. */
  scope: "belay.dev/scope",
  deployment: "belay.dev/deployment",
  /** On ledger records only. */
  record: "belay.dev/record",
} as const;

/** Values that may be longer than a label's 63 characters, or hold others than its letters. */
export const KUBERNETES_ANNOTATIONS = {
  release: "belay.dev/release",
  application: "belay.dev/application",
  environment: "belay.dev/environment",
  /** Name in `belay.yaml`. */
  service: "belay.dev/service",
  /** Deployment that last put the object back to what it was. */
  restoredBy: "belay.dev/restored-by",
  /** Shown by `kubectl rollout history`. */
  changeCause: "kubernetes.io/change-cause",
} as const;

/** Written by the user: workloads that must be right before this one changes, `db, job/migrate`. */
export const DEPENDS_ON = "belay.dev/depends-on";

/** On a copy that has a name of its own for its content: the name in the manifest. */
export const COPY_OF = "belay.dev/copy-of";

/** What Belay writes on an object's metadata for a deployment. `service`: whose workload it is. */
export function marksOf(
  scope: Scope,
  context: Pick<DeploymentContext, "deployment" | "release">,
  service?: string,
): Marks {
  const { application, environment } = scope;
  return {
    labels: {
      [KUBERNETES_LABELS.scope]: scopeHash(scope),
      [KUBERNETES_LABELS.deployment]: String(context.deployment),
    },
    annotations: {
      [KUBERNETES_ANNOTATIONS.release]: context.release,
      [KUBERNETES_ANNOTATIONS.application]: application,
      [KUBERNETES_ANNOTATIONS.environment]: environment,
      ...(service === undefined ? {} : { [KUBERNETES_ANNOTATIONS.service]: service }),
      [KUBERNETES_ANNOTATIONS.changeCause]: `belay: deployment ${context.deployment} to ${environment}, release ${context.release}`,
    },
  };
}

/** What is written when an object is put back: what it carried before comes from the snapshot. */
export function restorationMarks(deployment: number): Marks {
  return { labels: {}, annotations: { [KUBERNETES_ANNOTATIONS.restoredBy]: String(deployment) } };
}

/** Whether a label or annotation is Belay's to write. */
export function isMark(name: string): boolean {
  return name.startsWith("belay.dev/") || name === KUBERNETES_ANNOTATIONS.changeCause;
}

/** Deployment that the labels of an object of this scope name; `undefined` on others' objects. */
export function deploymentOf(object: KubernetesObject, scope: Scope): number | undefined {
  const labels = object.metadata.labels ?? {};
  if (labels[KUBERNETES_LABELS.scope] !== scopeHash(scope)) return undefined;
  const number = Number(labels[KUBERNETES_LABELS.deployment]);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
