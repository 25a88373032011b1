import { BelayError, isBelayError } from "@belay/core";
import type { KubernetesConnection } from "@belay/kubernetes";

/**
 * A namespace that is not there has no records and nothing runs in it: to whoever may list everywhere that looks as if nothing was
 * ever deployed. Whoever may not look for it has rights in it, which go with a namespace.
 * @throws BelayError INVALID_INPUT when it is not there
 */
export async function requireNamespace(api: KubernetesConnection): Promise<void> {
  const { namespace } = api;
  const found = await api.get({ apiVersion: "v1", kind: "Namespace", name: namespace }).catch((error: unknown) => {
    if (isBelayError(error, "ENGINE_FORBIDDEN")) return "cannot tell";
    throw error;
  });
  if (found !== undefined) return;
  throw new BelayError("INVALID_INPUT", {
    doing: `looking for the namespace ${namespace}`,
    got: "the cluster has none of that name",
    next: "Name the one that the environment is in (`namespace`), or take the environment out of belay.yaml if it is no more.",
  });
}
