import { type DeploymentContext, LABELS, type Scope, scopeHash } from "@belay/core";
import type { Labels, ServiceSpec } from "@belay/docker";

/** What Belay's labels on a service say. They are on the service and not on its containers: that would replace every task. */
export interface OwnLabels {
  /** Hash of the scope that wrote it; none for what Belay never changed. */
  readonly scope?: string;
  readonly deployment?: number;
  readonly release?: string;
  /** Revision of the task template that Belay wrote: another one in force means that somebody else changed it. */
  readonly revision?: string;
}

export function readLabels({ Labels }: Pick<ServiceSpec, "Labels">): OwnLabels {
  const scope = Labels?.[LABELS.scope];
  if (scope === undefined) return {};
  const deployment = Number(Labels?.[LABELS.deployment]);
  const release = Labels?.[LABELS.release];
  const revision = Labels?.[LABELS.revision];
  return {
    scope,
    ...(Number.isSafeInteger(deployment) ? { deployment } : {}),
    ...(release === undefined ? {} : { release }),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** Labels of everything that a deployment makes. */
export function deploymentLabels(scope: Scope, context: Pick<DeploymentContext, "deployment" | "release">): Labels {
  return {
    [LABELS.scope]: scopeHash(scope),
    [LABELS.application]: scope.application,
    [LABELS.environment]: scope.environment,
    [LABELS.deployment]: String(context.deployment),
    [LABELS.release]: context.release,
  };
}
