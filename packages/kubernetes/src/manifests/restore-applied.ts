import type { Scope } from "@belay/core";
import { ApiError } from "../api/api-error.ts";
import { checkFence } from "../check-fence.ts";
import type { Marks, SavedObject } from "../desired.ts";
import type { KubernetesApi, WriteOptions } from "../kubernetes-api.ts";
import { type KubernetesObject, titleOf } from "../kubernetes-object.ts";
import { FIELD_MANAGER } from "../marks.ts";
import { withMarks } from "./applied-body.ts";
import { conflictsOf, isStale } from "./conflicts.ts";
import { dropPath } from "./drop-path.ts";
import { appliedFields, projectObject, unionOf } from "./fields-v1.ts";

const MOST_ATTEMPTS = 30;
const NO_MARKS: Marks = { labels: {}, annotations: {} };

export interface RestoreOptions {
  /** On top of those in `was`. */
  readonly marks?: Marks;
  readonly signal?: AbortSignal;
  readonly dryRun: boolean;
  /** The object as it was read a moment ago. */
  readonly seen?: KubernetesObject;
}

/**
 * Brings an object back by the verb that changed it: applies the earlier values of the fields that Belay owned then, and of
 * those that it has applied since. What it added falls away with that, because nobody applies it any more. A field that
 * somebody else has changed since is that one's and stays, as does a replica count that was changed by hand or by a scaler.
 * An object that is gone is created as it was.
 */
export async function restoreApplied(
  api: KubernetesApi,
  scope: Scope,
  { key, was }: SavedObject,
  { marks = NO_MARKS, seen, ...options }: RestoreOptions,
): Promise<KubernetesObject> {
  if (was === undefined) throw new TypeError(`${titleOf(key)} did not exist: there is nothing to bring it back to`);
  for (let attempt = 1; ; attempt += 1) {
    const live = attempt === 1 && seen !== undefined ? seen : await api.get(key, options.signal);
    checkFence(live, scope, marks, was);
    const body = withMarks(live === undefined ? asNew(was) : earlierFields(was, live), marks);
    try {
      return await applyWithoutOthers(api, body, options);
    } catch (error) {
      if (!isStale(error) || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

function earlierFields(was: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const fields = unionOf(appliedFields(was, FIELD_MANAGER), appliedFields(live, FIELD_MANAGER));
  const body = projectObject(was, fields);
  const { resourceVersion } = live.metadata;
  return { ...body, metadata: { ...body.metadata, ...(resourceVersion && { resourceVersion }) } };
}

/** The object without what belongs to its earlier life. */
function asNew({ status, metadata, ...rest }: KubernetesObject): KubernetesObject {
  const { name, namespace, labels, annotations = {}, finalizers, ownerReferences } = metadata;
  const { "deployment.kubernetes.io/revision": _counted, ...own } = annotations;
  const more = Object.entries({ namespace, labels, finalizers, ownerReferences }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...rest, metadata: { name, ...Object.fromEntries(more), annotations: own } } as KubernetesObject;
}

async function applyWithoutOthers(
  api: KubernetesApi,
  body: KubernetesObject,
  options: WriteOptions,
): Promise<KubernetesObject> {
  try {
    return await api.apply(body, options);
  } catch (error) {
    const conflicts = error instanceof ApiError ? conflictsOf(error) : [];
    if (conflicts.length === 0) throw error;
    const left = structuredClone(body);
    const others = conflicts.filter(({ manager }) => manager !== FIELD_MANAGER);
    for (const { field } of others) dropPath(left, field);
    return api.apply(left, { ...options, force: others.length < conflicts.length });
  }
}
