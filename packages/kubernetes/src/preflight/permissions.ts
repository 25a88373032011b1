import { type Finding, mapBounded } from "@belay/core";
import { isMissing } from "../api/api-error.ts";
import { type DiscoveryList, groupOf, groupPath, knownResource, resourceIn } from "../api/resource-paths.ts";
import type { Access, KubernetesApi } from "../kubernetes-api.ts";
import type { ObjectKey } from "../kubernetes-object.ts";
import { isKept } from "../manifests/kept-kinds.ts";
import { neededKinds, WATCHED } from "../observe/namespace-watch.ts";
import { isTouched, type PlanContents } from "../plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import { isWorkloadKind } from "../workload.ts";
import { asksForCreate } from "./asks-for-create.ts";
import { rulesReview } from "./rules-review.ts";

const AT_ONCE = 10;

/** What Belay does with its own records. */
const LEDGER: readonly Access[] = ["create", "get", "list", "delete"].map((verb) => ({
  verb,
  group: "",
  resource: "secrets",
}));

interface Optional {
  readonly access: Access;
  readonly without: string;
}

/** A WebSocket is asked for by GET, so that it is `get`; from Kubernetes 1.35 on `create` as well. */
const EXEC = { group: "", resource: "pods", subresource: "exec" } as const;
const EXEC_RULE = '`apiGroups: [""], resources: [pods/exec], verbs: [get, create]`';
const EXEC_NEW: Optional = {
  access: { ...EXEC, verb: "create" },
  without: "from Kubernetes 1.35 on the commands of probes can't be run in pods",
};

/** What a deployment works without, and how. */
const OPTIONAL: readonly Optional[] = [
  {
    access: { verb: "get", group: "", resource: "pods", subresource: "log" },
    without: "a failure would be told without log lines",
  },
  {
    access: { verb: "watch", group: "", resource: "secrets" },
    without: "a newer release that asks this one to stop would be heard up to 10 s later",
  },
];

/** Asks for every verb that carrying the plan out, watching it and taking it back will need. */
export async function missingPermissions(
  { api, options: { runsCommands = false } }: TargetState,
  plan: PlanContents,
  signal: AbortSignal,
): Promise<Finding[]> {
  const probing = runsCommands ? [{ ...EXEC, verb: "get" }] : [];
  const optional = runsCommands ? [...OPTIONAL, EXEC_NEW] : OPTIONAL;
  const needed = unique([...LEDGER, ...watching(plan), ...probing, ...(await changing(api, plan, signal))]);
  const mayByRules = await rulesReview(api, signal);
  const [forbidden, blind] = await Promise.all([
    ask(api, needed, mayByRules, signal),
    ask(
      api,
      optional.map(({ access }) => access),
      mayByRules,
      signal,
    ),
  ]);
  const asked = blind.includes(EXEC_NEW.access) && !forbidden.some(isExec) && (await asksForCreate(api, signal));
  const missing = asked ? [...forbidden, EXEC_NEW.access] : forbidden;
  const lost = optional.filter(({ access }) => blind.includes(access) && !missing.includes(access));
  return [
    ...(missing.length === 0 ? [] : [refusal(api, missing)]),
    ...lost.map(
      ({ access, without }): Finding => ({
        level: "warn",
        check: "permission_missing",
        message: `the user of the kubeconfig may not ${describe(access)} in ${api.namespace}: ${without}`,
      }),
    ),
  ];
}

function refusal(api: KubernetesApi, missing: readonly Access[]): Finding {
  const message = `the user of the kubeconfig may not ${missing.map(describe).join(", ")} in the namespace ${api.namespace}`;
  const rule = missing.some(isExec) ? `, with the rule for the commands of probes (${EXEC_RULE})` : "";
  const remedy = `Give it the Role that docs/kubernetes.md shows${rule}.`;
  return { level: "refuse", check: "permission_missing", message, remedy };
}

function isExec({ subresource }: Access): boolean {
  return subresource === EXEC.subresource;
}

/** Those of them that the user may not. What the rules don't show is asked for one by one. */
async function ask(
  api: KubernetesApi,
  accesses: readonly Access[],
  mayByRules: (access: Access) => boolean,
  signal: AbortSignal,
): Promise<Access[]> {
  const unclear = accesses.filter((access) => !mayByRules(access));
  const answers = await mapBounded(unclear, AT_ONCE, signal, async (access) => ({
    access,
    may: await api.may(access),
  }));
  return answers.flatMap(({ access, may }) => (may ? [] : [access]));
}

function watching(plan: PlanContents): Access[] {
  const kinds = plan.objects.map(({ desired }) => desired.kind).filter(isWorkloadKind);
  return [...neededKinds(kinds)].flatMap((kind) => {
    const apiVersion = WATCHED[kind] ?? "v1";
    const resource = knownResource(apiVersion, kind)?.plural ?? "";
    return ["list", "watch"].map((verb) => ({ verb, group: groupOf(apiVersion), resource }));
  });
}

/** The dry run has shown already that what exists may be patched; what is created, removed or brought back has not. */
async function changing(api: KubernetesApi, plan: PlanContents, signal: AbortSignal): Promise<Access[]> {
  const touched = plan.objects.filter(isTouched).flatMap(({ desired, live }) => {
    const removal = isKept(desired.kind) ? [] : ["delete"];
    const verbs = ["get", "patch", ...(live === undefined ? ["create", ...removal] : [])];
    return [{ key: desired as ObjectKey, verbs }];
  });
  // What is removed in the end comes back on the way back, but for Jobs.
  const pruned = plan.prune.map(({ key }) => ({
    key,
    verbs: key.kind === "Job" ? ["get", "delete"] : ["get", "delete", "create", "patch"],
  }));
  const found = await mapBounded(
    [...touched, ...pruned],
    AT_ONCE,
    signal,
    async ({ key, verbs }): Promise<Access[]> => {
      const resource = await resourceOf(api, key, signal);
      if (resource === undefined) return [];
      const stuck = key.kind === "StatefulSet" ? [{ verb: "delete", group: "", resource: "pods" }] : [];
      return [...verbs.map((verb) => ({ verb, group: groupOf(key.apiVersion), resource })), ...stuck];
    },
  );
  return found.flat();
}

/** Plural of a kind that has a namespace. The permissions of the whole cluster are asked for by the dry run alone. */
async function resourceOf(
  api: KubernetesApi,
  { apiVersion, kind }: ObjectKey,
  signal: AbortSignal,
): Promise<string | undefined> {
  const known = knownResource(apiVersion, kind);
  if (known !== undefined) return known.plural;
  try {
    const doing = `asking what ${apiVersion} has`;
    const found = resourceIn(await api.request<DiscoveryList>("GET", groupPath(apiVersion), { doing, signal }), kind);
    return found?.namespaced ? found.plural : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function unique(accesses: readonly Access[]): Access[] {
  return [...new Map(accesses.map((one) => [describe(one), one])).values()];
}

/** `patch deployments.apps`, `get pods/log`. */
function describe({ verb, group, resource, subresource }: Access): string {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${name}${group === "" ? "" : `.${group}`}`;
}
