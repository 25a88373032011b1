import { ApiError } from "../api/api-error.ts";
import type { Marks } from "../desired.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { FIELD_MANAGER, KUBERNETES_ANNOTATIONS, KUBERNETES_LABELS } from "../marks.ts";
import { TAKE_OVER } from "./api-findings.ts";
import { conflictsOf, type FieldConflict } from "./conflicts.ts";
import { appliedFields, hasField } from "./fields-v1.ts";

/** The body with Belay's marks; those of the manifests themselves stay. */
export function withMarks(body: KubernetesObject, { labels, annotations }: Marks): KubernetesObject {
  const { metadata } = body;
  return {
    ...body,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      annotations: { ...metadata.annotations, ...annotations },
    },
  };
}

/** Marks that an object has, so that a dry run of the manifests alone does not take them off. */
export function marksOn(live: KubernetesObject | undefined): Marks {
  const pick = (all: Readonly<Record<string, string>> = {}, names: object) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => Object.values(names).includes(name)));
  return {
    labels: pick(live?.metadata.labels, KUBERNETES_LABELS),
    annotations: pick(live?.metadata.annotations, KUBERNETES_ANNOTATIONS),
  };
}

/**
 * The body, only for the version of the object that was read: a change of anybody in between is then noticed. And with the
 * live count where the manifests leave `replicas` out but Belay has written it before: a field that its only owner no longer
 * applies falls back to its default, which is 1.
 */
export function onTopOf(body: KubernetesObject, live: KubernetesObject | undefined): KubernetesObject {
  if (live === undefined) return body;
  const { resourceVersion } = live.metadata;
  const versioned = { ...body, metadata: { ...body.metadata, ...(resourceVersion && { resourceVersion }) } };
  const count = replicasOf(live);
  const owned = hasField(appliedFields(live, FIELD_MANAGER), "spec", "replicas");
  if (!owned || count === undefined || replicasOf(body) !== undefined) return versioned;
  return { ...versioned, spec: { ...(body.spec as object), replicas: count } };
}

export function replicasOf(object: KubernetesObject): unknown {
  return (object.spec as { replicas?: unknown } | undefined)?.replicas;
}

export interface Settled {
  /** The body to apply instead. */
  readonly body: KubernetesObject;
  /** Whether the remaining conflicts are with managers whose fields may be taken over. */
  readonly force: boolean;
  /** Conflicts that forbid it. */
  readonly forbidden: readonly FieldConflict[];
  /** Somebody scaled it by hand (or a scaler of another kind did), and that count stays. */
  readonly scaledBy?: string;
}

const REPLICAS = ".spec.replicas";

/** What to do about conflicts of field managers; `undefined` when the error is of another kind. */
export function settleConflicts(error: unknown, body: KubernetesObject): Settled | undefined {
  const conflicts = error instanceof ApiError ? conflictsOf(error) : [];
  if (conflicts.length === 0) return undefined;
  const allowed = [
    FIELD_MANAGER,
    ...(body.metadata.annotations?.[TAKE_OVER] ?? "").split(",").map((name) => name.trim()),
  ];
  const scaled = conflicts.find(({ manager, field }) => field === REPLICAS && !allowed.includes(manager));
  const rest = conflicts.filter((conflict) => conflict !== scaled);
  return {
    body: scaled === undefined ? body : withoutReplicas(body),
    force: rest.length > 0,
    forbidden: rest.filter(({ manager }) => !allowed.includes(manager)),
    ...(scaled === undefined ? {} : { scaledBy: scaled.manager }),
  };
}

function withoutReplicas(body: KubernetesObject): KubernetesObject {
  const { replicas, ...spec } = body.spec as Record<string, unknown>;
  return { ...body, spec };
}
