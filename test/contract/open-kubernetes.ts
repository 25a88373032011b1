import { createRunner, isBelayError, Redactor, type Scope, systemClock } from "@belay/core";
import { connectKubernetes, createKubernetesTarget } from "@belay/kubernetes";
import { createAuthenticator, createRegistryClient, insecureRegistries } from "@belay/registry";
import { type StopPoint, stopWithin } from "./stop-within.ts";
import type { OpenTarget } from "./target-opener.ts";

export interface KubernetesSettings {
  readonly kubeconfig: string;
  readonly scope: Scope;
  readonly services: Readonly<Record<string, { readonly workload: string }>>;
  /** Where the process ends or stops by itself. */
  readonly stop?: StopPoint;
}

/** A Kubernetes target for workloads that exist, as the pipeline opens it. */
export const openTarget: OpenTarget = async (settings, { log, redactor }) => {
  const { kubeconfig, scope, services, stop } = settings as KubernetesSettings;
  const ports = { log, redactor, clock: systemClock };
  const connection = await connectKubernetes({ kubeconfig, namespace: scope.project, env: {}, ...ports });
  const api = stopWithin(connection, stop, log);
  const auth = createAuthenticator({ env: {}, runner: createRunner(redactor), redactor: new Redactor() });
  const registry = createRegistryClient({ auth, insecure: insecureRegistries(), attempts: 2, ...ports });
  const imageAvailable = async (reference: string): Promise<"yes" | "no" | "cannot tell"> => {
    const [repository = "", digest = ""] = reference.split("@");
    try {
      return (await registry.manifest(repository, digest)) === undefined ? "no" : "yes";
    } catch (error) {
      if (isBelayError(error, "REGISTRY_UNREACHABLE", "REGISTRY_ERROR")) return "cannot tell";
      throw error;
    }
  };
  const target = await createKubernetesTarget({ api, scope, services, imageAvailable, ...ports });
  const close = async (): Promise<void> => {
    registry.close();
    await target.close();
    await api.close();
  };
  return { target, close };
};
