import { createRunner, Redactor, type Scope, systemClock } from "@belay/core";
import { connectKubernetes, createKubernetesTarget, createManifests } from "@belay/kubernetes";
import { createAuthenticator, createRegistryClient, insecureRegistries } from "@belay/registry";
import { type StopPoint, stopWithin } from "./stop-within.ts";
import type { OpenTarget } from "./target-opener.ts";

export interface ManifestSettings {
  readonly kubeconfig: string;
  readonly scope: Scope;
  readonly services: Readonly<Record<string, { readonly workload: string }>>;
  /** Folder of the user's files. */
  readonly folder: string;
  /** Where the process ends or stops by itself. */
  readonly stop?: StopPoint;
}

/** A Kubernetes target for manifests, as the pipeline opens it. */
export const openTarget: OpenTarget = async (settings, { log, redactor }) => {
  const { kubeconfig, scope, services, folder, stop } = settings as ManifestSettings;
  const ports = { log, redactor, clock: systemClock };
  const connection = await connectKubernetes({ kubeconfig, namespace: scope.project, env: {}, ...ports });
  const api = stopWithin(connection, stop, log);
  const runner = createRunner(redactor);
  const auth = createAuthenticator({ env: {}, runner, redactor: new Redactor() });
  const registry = createRegistryClient({ auth, insecure: insecureRegistries(), attempts: 2, ...ports });
  const imageAvailable = async (reference: string): Promise<"yes" | "no" | "cannot tell"> => {
    const [repository = "", digest = ""] = reference.split("@");
    return (await registry.manifest(repository, digest)) === undefined ? "no" : "yes";
  };
  const files = { files: [folder], directory: folder, variables: {}, secrets: {} };
  const manifests = createManifests({ api, scope, services, runner, redactor, ...files });
  const target = await createKubernetesTarget({ api, scope, services, manifests, imageAvailable, ...ports });
  const close = async (): Promise<void> => {
    registry.close();
    await target.close();
    await api.close();
  };
  return { target, close };
};
