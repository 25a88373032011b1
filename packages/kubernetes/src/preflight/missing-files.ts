import { type Finding, mapBounded } from "@belay/core";
import { isStatus } from "../api/api-error.ts";
import { groupOf } from "../api/resource-paths.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { type KubernetesObject, titleOf } from "../kubernetes-object.ts";
import { isTouched, type PlanContents, type PlannedObject } from "../plan-detail.ts";
import { templateOf } from "../workload.ts";
import { type FileReference, fileReferences } from "./file-references.ts";

const AT_ONCE = 8;

/** What is known of a ConfigMap or Secret: its keys, that there is none, or that its reader may not look. */
type Known = readonly string[] | "missing" | "forbidden";

interface Needed {
  readonly workload: PlannedObject;
  readonly reference: FileReference;
  readonly namespace: string;
}

/**
 * ConfigMaps and Secrets that the changed workloads' new pods could not start without: neither among the release's own
 * objects nor in the cluster, or without a key. Each is asked for once; of Secrets only the names of their keys are kept.
 * Where the release has objects of a controller (ExternalSecret, Certificate, …), that may make what is missing.
 */
export async function missingFiles(api: KubernetesApi, plan: PlanContents, signal: AbortSignal): Promise<Finding[]> {
  const needed = plan.objects.filter(isTouched).flatMap((workload) => neededBy(workload, api.namespace));
  const own = ownFiles(plan, api.namespace);
  const asked = [...new Map(needed.map((one) => [idOf(one), one])).values()].filter((one) => !own.has(idOf(one)));
  const read = await mapBounded(
    asked,
    AT_ONCE,
    signal,
    async (one) => [idOf(one), await look(api, one, signal)] as const,
  );
  const known = new Map<string, Known>([...own, ...read]);
  const makers = plan.objects.filter(isCustom).map(({ desired }) => titleOf(desired));
  return needed.flatMap((one) => findingOf(one, known.get(idOf(one)) ?? "missing", api.namespace, makers));
}

/** Of a kind that is not Kubernetes' own, whose groups have no dot or end in `k8s.io` (API reference, "API groups"). */
function isCustom({ desired }: PlannedObject): boolean {
  const group = groupOf(desired.apiVersion);
  return group.includes(".") && !group.endsWith(".k8s.io");
}

function neededBy(workload: PlannedObject, home: string): Needed[] {
  const template = workload.preview.object && templateOf(workload.preview.object);
  if (template === undefined) return [];
  const namespace = workload.desired.namespace ?? home;
  return fileReferences(template.spec).map((reference) => ({ workload, reference, namespace }));
}

/** The release's own, as they will be; those that it removes count as gone. */
function ownFiles(plan: PlanContents, home: string): Map<string, Known> {
  const files = new Map<string, Known>();
  for (const { key } of plan.prune) files.set(nameOf(key.kind, key.name, key.namespace ?? home), "missing");
  for (const { desired, live, preview } of plan.objects) {
    const object = preview.object ?? live;
    if (object === undefined) continue;
    const { kind, name, namespace = home } = desired;
    if (kind === "ConfigMap" || kind === "Secret") files.set(nameOf(kind, name, namespace), keysOf(object));
  }
  return files;
}

async function look(api: KubernetesApi, { reference, namespace }: Needed, signal: AbortSignal): Promise<Known> {
  const { kind, name } = reference;
  try {
    const found = await api.get({ apiVersion: "v1", kind, name, namespace }, signal);
    return found === undefined ? "missing" : keysOf(found);
  } catch (error) {
    if (isStatus(error, 403)) return "forbidden";
    throw error;
  }
}

function keysOf(object: KubernetesObject): string[] {
  return [object.data, object.binaryData, object.stringData].flatMap((part) => Object.keys(part ?? {}));
}

function findingOf(
  { workload, reference, namespace }: Needed,
  known: Known,
  home: string,
  makers: readonly string[],
): Finding[] {
  const { desired } = workload;
  const service = desired.service === undefined ? {} : { service: desired.service };
  const where = namespace === home ? "" : ` in the namespace ${namespace}`;
  const what = `the ${reference.kind} ${reference.name}${where}, which ${titleOf(desired)} needs`;
  const common = { check: "config_missing", ...service };
  if (known === "forbidden") {
    const plural = `${reference.kind.toLowerCase()}s`;
    const message = `whether there is ${what}, is not known: the user of the kubeconfig may not get ${plural}`;
    return [{ level: "cannot tell", ...common, message, remedy: "Give it the Role that docs/kubernetes.md shows." }];
  }
  const lacking = known === "missing" ? [] : reference.keys.filter((key) => !known.includes(key));
  if (known !== "missing" && lacking.length === 0) return [];
  const message =
    known === "missing" ? `there is no ${what.slice("the ".length)}` : `${what}, has no key ${lacking.join(", ")}`;
  if (makers.length > 0) {
    return [{ level: "cannot tell", ...common, message: `${message}, unless ${makers.join(" or ")} makes it` }];
  }
  const remedy =
    known === "missing"
      ? "Create it first, add it to the manifests, or mark the reference as optional."
      : "Add it, or correct the reference.";
  return [{ level: "refuse", ...common, message, remedy }];
}

function idOf({ reference, namespace }: Needed): string {
  return nameOf(reference.kind, reference.name, namespace);
}

function nameOf(kind: string, name: string, namespace: string): string {
  return `${kind}/${namespace}/${name}`;
}
