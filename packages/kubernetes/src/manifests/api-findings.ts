import { type Finding, oneLine } from "@belay/core";
import type { ApiError } from "../api/api-error.ts";
import { type ObjectKey, titleOf } from "../kubernetes-object.ts";
import type { FieldConflict } from "./conflicts.ts";

/** In the manifests: field managers, separated by commas, whose fields Belay may take over. */
export const TAKE_OVER = "belay.dev/take-over";

const IMMUTABLE = /field is immutable|updates to \w+ spec for fields other than/i;

/** Why the API server would refuse an object, put into words before anything is changed. */
export function findingsOf(error: ApiError, key: ObjectKey, service: string | undefined): Finding[] {
  const title = titleOf(key);
  const said = oneLine(error.apiMessage, 500);
  const finding = (level: Finding["level"], check: string, message: string, remedy: string): Finding[] => [
    { level, check, message, remedy, ...(service === undefined ? {} : { service }) },
  ];
  if (error.reasonCode === "Invalid" && IMMUTABLE.test(said)) {
    const fields = immutableFields(error);
    const message = `${title}: ${fields === "" ? "a field" : fields} can't be changed on an object that exists. The API server says: ${said}`;
    return finding("refuse", "immutable_field", message, remedyOfImmutable(key));
  }
  if (error.reasonCode === "Invalid" || error.status === 400) {
    if (/does not support dry run/.test(said)) {
      const remedy = "Let the webhook declare `sideEffects: None`.";
      return finding("cannot tell", "dry_run_unsupported", `${title} can't be tried out first: ${said}`, remedy);
    }
    return finding("refuse", "object_invalid", `${title}: the API server says: ${said}`, "Correct the manifest.");
  }
  if (/exceeded quota/.test(said)) {
    return finding("refuse", "quota", `${title}: ${said}`, "Raise the quota of the namespace, or free some of it.");
  }
  if (/admission webhook|admission policy|denied/i.test(said)) {
    return finding(
      "refuse",
      "admission_refused",
      `${title}: the cluster's rules refuse it: ${said}`,
      "Correct the manifest.",
    );
  }
  if (error.status === 403) {
    const remedy =
      "Give the user of the kubeconfig a Role with this verb (examples/kubernetes/rbac.yaml has them all).";
    return finding("refuse", "forbidden", `${title}: ${said}`, remedy);
  }
  if (error.status === 404 && /namespaces? /.test(said)) {
    return finding(
      "refuse",
      "namespace_missing",
      `${title}: ${said}`,
      `Create it first: kubectl create namespace ${key.namespace}`,
    );
  }
  return finding("refuse", "object_refused", `${title}: the API server says: ${said}`, "Correct the manifest.");
}

function immutableFields(error: ApiError): string {
  return [
    ...new Set((error.details.causes ?? []).map(({ field }) => field).filter((field) => field !== undefined)),
  ].join(", ");
}

function remedyOfImmutable({ kind, name, namespace }: ObjectKey): string {
  const where = namespace === undefined ? "" : `-n ${namespace} `;
  if (kind === "StatefulSet") {
    return `Put the field back. Or, when it must change: kubectl ${where}delete statefulset ${name} --cascade=orphan, which keeps the pods and their volumes, and deploy again.`;
  }
  return `Put the field back, or give the object another name: then the new one comes first, and the old one is removed after it was proven.`;
}

/** Fields that others own, and how to go on: nothing is ever taken over unasked. */
export function conflictFindings(
  conflicts: readonly FieldConflict[],
  key: ObjectKey,
  service: string | undefined,
): Finding[] {
  const managers = new Map<string, string[]>();
  for (const { manager, field } of conflicts) managers.set(manager, [...(managers.get(manager) ?? []), field]);
  return [...managers].map(([manager, fields]) => ({
    level: "refuse",
    check: "field_conflict",
    ...(service === undefined ? {} : { service }),
    message: `${titleOf(key)}: the field manager \`${manager}\` owns ${fields.join(", ")} with another value.`,
    remedy: `Take the fields out of the manifest, or let Belay take them over: the annotation \`${TAKE_OVER}: ${manager}\` in the manifest.`,
  }));
}
