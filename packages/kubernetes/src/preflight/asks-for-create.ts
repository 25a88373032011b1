import { ApiError } from "../api/api-error.ts";
import type { ServerVersion } from "../api/check-version.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";

/** The first minor that asks for it (`AuthorizePodWebsocketUpgradeCreatePermission`, on by default; an administrator may turn it off). */
const FIRST_MINOR = 35;
/** No pod can have this name: an underscore is not allowed there. */
const NO_POD = "belay_asks";

/**
 * Whether the API server wants `create` on pods/exec of whoever opens a WebSocket there, of a user who may `get` but not `create`. It
 * is asked for a pod that can't exist: it looks at permissions before it looks for the pod (`ExecREST.Connect`).
 */
export async function asksForCreate(api: KubernetesApi, signal: AbortSignal): Promise<boolean> {
  const version = await api.request<ServerVersion>("GET", "/version", { doing: "asking for the version", signal });
  if (isOlder(version)) return false;
  const path = `/api/v1/namespaces/${api.namespace}/pods/${NO_POD}/exec`;
  try {
    await api.request("GET", path, { doing: "asking whether pods/exec is open", query: { command: "true" }, signal });
    return false;
  } catch (error) {
    // Any other answer, 404 above all, says nothing against it.
    if (error instanceof ApiError) return isForbidden(error);
    throw error;
  }
}

function isOlder({ major = "", minor = "" }: ServerVersion): boolean {
  return Number.parseInt(major, 10) === 1 && Number.parseInt(minor, 10) < FIRST_MINOR;
}

/** What the RBAC authorizer adds of roles that it misses, whatever it was asked (`RBACAuthorizer.Authorize`). */
const MISSED_ROLES = /: RBAC: .*$/s;

/** By the authorizer. Admission (a policy, a webhook, a plugin that looks for the pod) forbids with words of its own. */
function isForbidden({ code, status, apiMessage }: ApiError): boolean {
  return (
    status === 403 && code === "ENGINE_FORBIDDEN" && !/not found|denied/i.test(apiMessage.replace(MISSED_ROLES, ""))
  );
}
