import { BelayError, type Finding, type Scope, scopeHash } from "@belay/core";
import { ApiError } from "../api/api-error.ts";
import { checkFence } from "../check-fence.ts";
import type { DesiredObject, Marks, ObjectVerb, Preview, SavedObject } from "../desired.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { type KubernetesObject, keyOf, type ObjectKey, titleOf } from "../kubernetes-object.ts";
import { deploymentOf, FIELD_MANAGER, KUBERNETES_ANNOTATIONS, KUBERNETES_LABELS } from "../marks.ts";
import { containersOf, podSpecOf } from "../pod-spec.ts";
import { conflictFindings, findingsOf, TAKE_OVER } from "./api-findings.ts";
import { marksOn, onTopOf, replicasOf, type Settled, settleConflicts, withMarks } from "./applied-body.ts";
import { describeConflicts, isKindMissing, isStale } from "./conflicts.ts";
import { describeDifferences } from "./describe-differences.ts";
import { restoreApplied } from "./restore-applied.ts";

/** How often an object that others change all the time (a controller its status) is read again. */
const MOST_ATTEMPTS = 30;

/**
 * Server-side apply as the field manager `belay`: what the manifests name is Belay's, everything else on the object stays
 * whose it is. A field that another manager owns with another value is told at plan time and never taken over unasked.
 */
export function createApplyVerb(api: KubernetesApi, scope: Scope): ObjectVerb {
  return {
    preview: (desired, live) => preview(api, scope, desired, live),
    change: (desired, marks, signal, seen) => change(api, scope, desired, { marks, signal, ...(seen && { seen }) }),
    save,
    restore: (saved, marks, signal, seen) =>
      restoreApplied(api, scope, saved, { marks, signal, dryRun: false, ...(seen && { seen }) }),
    previewRestore: (saved, signal, seen) =>
      restoreApplied(api, scope, saved, { dryRun: true, ...(signal && { signal }), ...(seen && { seen }) }),
  };
}

function bodyOf({ body, ...key }: DesiredObject): KubernetesObject {
  if (body === undefined) throw new TypeError(`${titleOf(key)} is to be applied, but has no body`);
  return body;
}

async function preview(
  api: KubernetesApi,
  scope: Scope,
  desired: DesiredObject,
  live: KubernetesObject | undefined,
): Promise<Preview> {
  const findings: Finding[] = live === undefined ? [] : otherEnvironment(live, scope, desired);
  const action = live === undefined ? "create" : "update";
  try {
    const object = await tryOut(api, desired, live, findings);
    if (live === undefined) return { object, action, differences: imagesOf(object), findings };
    const differences = describeDifferences(live, object);
    if (differences.length > 0) return { object, action, differences, findings };
    if (deploymentOf(live, scope) !== undefined) return { object, action: "unchanged", differences, findings };
    return { object, action, differences: ["metadata: Belay's labels"], findings };
  } catch (error) {
    if (!(error instanceof ApiError) && !isKindMissing(error)) throw error;
    const said = error instanceof ApiError ? findingsOf(error, desired, desired.service) : [kindComes(desired)];
    return { object: undefined, action, differences: [], findings: [...findings, ...said] };
  }
}

function kindComes({ service, kind, ...key }: DesiredObject): Finding {
  const message = `${titleOf({ kind, ...key })} can't be tried out first: the cluster has no ${kind} yet.`;
  return {
    level: "cannot tell",
    check: "kind_unknown",
    message,
    remedy: "Install its CustomResourceDefinition before.",
    ...(service === undefined ? {} : { service }),
  };
}

/** A dry run, and what it finds about owners of fields. With those, it goes on as if they did not mind, to see all of it. */
async function tryOut(
  api: KubernetesApi,
  desired: DesiredObject,
  live: KubernetesObject | undefined,
  findings: Finding[],
): Promise<KubernetesObject> {
  const body = onTopOf(withMarks(bodyOf(desired), marksOn(live)), live);
  // The object may change between the plan's reading and this, which does not matter to a dry run.
  const { resourceVersion, ...metadata } = body.metadata;
  const unversioned = { ...body, metadata };
  try {
    return await api.apply(unversioned, { dryRun: true });
  } catch (error) {
    const settled = settleConflicts(error, unversioned);
    if (settled === undefined) throw error;
    findings.push(...conflictFindings(settled.forbidden, desired, desired.service));
    findings.push(...takingOver(settled, desired), ...scaledByHand(settled, desired, live));
    return api.apply(settled.body, { dryRun: true, force: settled.force });
  }
}

function imagesOf(object: KubernetesObject): readonly string[] {
  return containersOf(podSpecOf(object)).map(({ name, image }) => `image ${name}: ${image}`);
}

/** All environments of Belay are one field manager, so that no conflict tells them apart. */
function otherEnvironment(live: KubernetesObject, scope: Scope, { service }: DesiredObject): Finding[] {
  const { labels = {}, annotations = {} } = live.metadata;
  const other = labels[KUBERNETES_LABELS.scope];
  if (other === undefined || other === scopeHash(scope)) return [];
  const names = [annotations[KUBERNETES_ANNOTATIONS.application], annotations[KUBERNETES_ANNOTATIONS.environment]];
  const message = `${titleOf(keyOf(live))} belongs to another environment of Belay: ${names.filter(Boolean).join(", ") || other}.`;
  const remedy = "Give it another name, or another namespace.";
  const of = service === undefined ? {} : { service };
  return [{ level: "refuse", check: "owner_belay", message, remedy, ...of }];
}

function takingOver({ force, forbidden }: Settled, { service, ...key }: DesiredObject): Finding[] {
  if (!force || forbidden.length > 0) return [];
  const message = `${titleOf(key)}: Belay takes fields over from another manager, as \`${TAKE_OVER}\` says.`;
  const remedy = "Take the annotation out again after this deployment.";
  return [{ level: "warn", check: "take_over", message, remedy, ...(service === undefined ? {} : { service }) }];
}

function scaledByHand(
  { scaledBy }: Settled,
  { service, body, ...key }: DesiredObject,
  live: KubernetesObject | undefined,
): Finding[] {
  if (scaledBy === undefined || live === undefined || body === undefined) return [];
  const counts = `${String(replicasOf(live))} are wanted now, by \`${scaledBy}\`; the manifests say ${String(replicasOf(body))}`;
  return [
    {
      level: "warn",
      check: "scaled_by_hand",
      message: `${titleOf(key)}: ${counts}. The number stays as it is.`,
      remedy: `Scale it back, or let Belay take the number over: the annotation \`${TAKE_OVER}: ${scaledBy}\` in the manifest.`,
      ...(service === undefined ? {} : { service }),
    },
  ];
}

interface ChangeOptions {
  readonly marks: Marks;
  readonly signal: AbortSignal;
  readonly seen?: KubernetesObject;
}

/** Applies on top of what was just read, so that a request of a run that was taken over comes to nothing. */
async function change(
  api: KubernetesApi,
  scope: Scope,
  desired: DesiredObject,
  { marks, signal, seen }: ChangeOptions,
): Promise<KubernetesObject> {
  for (let attempt = 1; ; attempt += 1) {
    const live = attempt === 1 && seen !== undefined ? seen : await api.get(desired, signal);
    checkFence(live, scope, marks, seen);
    const body = onTopOf(withMarks(bodyOf(desired), marks), live);
    try {
      return await applySettled(api, body, desired, signal);
    } catch (error) {
      if (!isStale(error) || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

async function applySettled(
  api: KubernetesApi,
  body: KubernetesObject,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  try {
    return await api.apply(body, { signal });
  } catch (error) {
    const settled = settleConflicts(error, body);
    if (settled === undefined) throw error;
    if (settled.forbidden.length === 0) return api.apply(settled.body, { signal, force: settled.force });
    throw new BelayError("ENGINE_ERROR", {
      doing: `applying ${titleOf(key)}`,
      got: `since the plan was made, ${describeConflicts(settled.forbidden)}`,
      next: "Find out who changes it, and deploy again.",
      cause: error,
    });
  }
}

function save(desired: DesiredObject, live: KubernetesObject | undefined): SavedObject {
  const { apiVersion, kind, name, namespace, service, goal } = desired;
  return {
    key: { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) },
    verb: "apply",
    ...(service === undefined ? {} : { service }),
    ...(goal === undefined ? {} : { goal }),
    ...(live === undefined ? {} : { was: withOwnFields(live) }),
  };
}

/** Others' entries about their fields are of no use later, and long. */
function withOwnFields(live: KubernetesObject): KubernetesObject {
  const managedFields = live.metadata.managedFields?.filter(({ manager }) => manager === FIELD_MANAGER) ?? [];
  return { ...live, metadata: { ...live.metadata, managedFields } };
}
