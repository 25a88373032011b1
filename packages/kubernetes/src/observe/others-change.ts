import type { KubernetesObject } from "../kubernetes-object.ts";
import { type FieldsV1, hasField } from "../manifests/fields-v1.ts";
import { FIELD_MANAGER } from "../marks.ts";
import { templateOf } from "../workload.ts";
import { observedRevision } from "./observed-revision.ts";

/** What somebody else has done with a workload: given it another pod template, or removed it, or told it to go. */
export type Doing = "changed" | "removed";

/**
 * `written`: the workload as this run wrote it, or found it where it has nothing to change. A Job may go by itself
 * (`ttlSecondsAfterFinished`), and one whose work is done is not missed.
 */
export function othersDoing(
  now: KubernetesObject | undefined,
  written: KubernetesObject | undefined,
  wantedRevision: string,
): Doing | undefined {
  if (written === undefined) return undefined;
  if (now === undefined || now.metadata.deletionTimestamp) return written.kind === "Job" ? undefined : "removed";
  return isAnothers(now, written, wantedRevision) ? "changed" : undefined;
}

/**
 * Whether the pod template that is in force came after the one that this run wrote, and is another. How many pods there are
 * to be is the user's own. A watch may lag, but shows what this run wrote (`NamespaceWatch.expect`): what it shows is newer
 * with a higher generation, or as another object of the same name (`kubectl replace --force`).
 */
function isAnothers(now: KubernetesObject, written: KubernetesObject, wantedRevision: string): boolean {
  const [template, own] = [templateOf(now), templateOf(written)];
  if (template === undefined || own === undefined) return false;
  const isSame = now.metadata.uid === written.metadata.uid;
  if (isSame && (now.metadata.generation ?? 0) <= (written.metadata.generation ?? 0)) return false;
  return ![observedRevision(own), wantedRevision].includes(observedRevision(template));
}

/** Who wrote the pod template last, when it was not Belay; see {@link lastWriter}. */
export function whoChanged(workload: KubernetesObject): string | undefined {
  return lastWriter(workload, workload.kind === "CronJob" ? CRON_TEMPLATE : TEMPLATE);
}

const TEMPLATE = ["spec", "template"];
const CRON_TEMPLATE = ["spec", "jobTemplate", "spec", "template"];

/**
 * Who wrote a field last, by the name that it gave itself (`kubectl-set`), when it was not Belay. Times are whole seconds: of
 * the same one another's counts as the later. Outside text.
 */
export function lastWriter({ metadata }: KubernetesObject, path: readonly string[]): string | undefined {
  const entries = (metadata.managedFields ?? [])
    .filter(({ fieldsV1, subresource }) => !subresource && hasField((fieldsV1 ?? {}) as FieldsV1, ...path))
    .map(({ manager, time }) => ({ manager, at: Date.parse(String(time)) || 0 }))
    .sort((a, b) => a.at - b.at || rank(a.manager) - rank(b.manager));
  const last = entries.at(-1)?.manager;
  return last === FIELD_MANAGER ? undefined : last;
}

function rank(manager: string | undefined): number {
  return manager === FIELD_MANAGER ? 0 : 1;
}
