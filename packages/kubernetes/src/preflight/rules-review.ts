import { isBelayError } from "@belay/core";
import type { Access, KubernetesApi } from "../kubernetes-api.ts";

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[] | null;
  readonly resources?: readonly string[] | null;
  /** Only for objects of these names. */
  readonly resourceNames?: readonly string[] | null;
}

interface Review {
  readonly status?: {
    readonly resourceRules?: readonly Rule[] | null;
    /** Not all authorizers could say what they allow: one of them might also forbid. */
    readonly incomplete?: boolean;
  };
}

const PATH = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";

/**
 * One question in place of one per verb: what of the user's rights in the namespace is plain. `false` means that it has to be
 * asked for by itself, not that it is forbidden.
 */
export async function rulesReview(api: KubernetesApi, signal: AbortSignal): Promise<(access: Access) => boolean> {
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectRulesReview",
    spec: { namespace: api.namespace },
  };
  try {
    const review = await api.request<Review>("POST", PATH, { doing: "asking for permissions", body, signal });
    return mayBy(review);
  } catch (error) {
    if (isBelayError(error, "ENGINE_FORBIDDEN", "ENGINE_ERROR")) return () => false;
    throw error;
  }
}

/** Pure. A rule matches as in the API server's RBAC (`VerbMatches`, `APIGroupMatches`, `ResourceMatches`). */
export function mayBy({ status }: Review): (access: Access) => boolean {
  if (status === undefined || status.incomplete === true) return () => false;
  const rules = (status.resourceRules ?? []).filter(({ resourceNames }) => (resourceNames ?? []).length === 0);
  const has = (list: readonly string[] | null | undefined, ...wanted: string[]): boolean =>
    ["*", ...wanted].some((one) => list?.includes(one));
  return ({ verb, group, resource, subresource }) => {
    const names = subresource === undefined ? [resource] : [`${resource}/${subresource}`, `*/${subresource}`];
    return rules.some((rule) => has(rule.verbs, verb) && has(rule.apiGroups, group) && has(rule.resources, ...names));
  };
}
