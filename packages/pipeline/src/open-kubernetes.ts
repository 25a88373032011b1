import { networkInterfaces } from "node:os";
import type { KubernetesTarget, Settings } from "@belay/config";
import { isBelayError } from "@belay/core";
import type { KubernetesConnection } from "@belay/kubernetes";
import type { PipelineContext } from "./context.ts";
import type { OpenTarget } from "./open-target.ts";
import { type InstanceAccess, startProber } from "./start-prober.ts";

/** Connects to the cluster of an environment. @throws what connecting throws. */
export async function openKubernetes(
  context: PipelineContext,
  settings: Settings,
  kubernetes: KubernetesTarget,
  token: string,
): Promise<OpenTarget> {
  const { connectKubernetes, createKubernetesTarget, createManifests } = await import("@belay/kubernetes");
  const { log, clock, redactor, env } = context;
  const { application, environment } = settings;
  const { kubeconfig, kubeconfigText, namespace } = kubernetes;
  const api = await connectKubernetes({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(kubeconfigText === undefined ? {} : { kubeconfigText }),
    ...(kubernetes.context === undefined ? {} : { context: kubernetes.context }),
    ...{ namespace, env, clock, redactor },
  });
  const registry = await registryOf(context, token);
  const scope = { target: "kubernetes", project: namespace, application, environment } as const;
  const services = namesOf(settings);
  const { variables, secrets, directory } = settings;
  const { files } = kubernetes;
  const { runner } = context;
  const manifests = { api, scope, services, files, directory, variables, secrets, runner };
  const target = await createKubernetesTarget({
    ...{ api, log, clock, redactor, scope, services },
    ...(files.length === 0 ? {} : { manifests: createManifests(manifests) }),
    imageAvailable: registry.imageAvailable,
    kubectlArgs: kubectlArguments(kubernetes),
  });
  return {
    target,
    startProber: (ending) => startProber(context, settings, async () => accessOf(context, api), ending),
    close: async () => {
      registry.close();
      await target.close();
      await api.close();
    },
  };
}

function namesOf({ services }: Settings) {
  const entries = Object.entries(services).map(([service, { names }]) => {
    const { kubernetes: workload, container } = names;
    return [service, { ...(workload && { workload }), ...(container && { container }) }] as const;
  });
  return Object.fromEntries(entries);
}

function kubectlArguments({ kubeconfig, context }: KubernetesTarget): readonly string[] {
  return [
    ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
    ...(context === undefined ? [] : ["--context", context]),
  ];
}

/** Registries as this machine sees them. The cluster may see others, so that only a clear "there is no such image" counts. */
async function registryOf(context: PipelineContext, token: string) {
  const { createAuthenticator, createRegistryClient, insecureRegistries } = await import("@belay/registry");
  const { env, runner, redactor, log, clock, signal } = context;
  const auth = createAuthenticator({
    env: { ...env, ...(token === "" ? {} : { GITHUB_TOKEN: token }) },
    runner,
    redactor,
  });
  const client = createRegistryClient({
    auth,
    redactor,
    log,
    clock,
    insecure: insecureRegistries(),
    signal,
    attempts: 2,
  });
  const imageAvailable = async (reference: string): Promise<"yes" | "no" | "cannot tell"> => {
    const at = reference.lastIndexOf("@");
    // Only what is pinned can be asked for: what a tag means may change at any time.
    if (at < 0) return "cannot tell";
    try {
      const found = await client.manifest(reference.slice(0, at), reference.slice(at + 1));
      return found === undefined ? "no" : "yes";
    } catch (error) {
      if (isBelayError(error, "REGISTRY_UNREACHABLE", "REGISTRY_UNAUTHORISED", "REGISTRY_ERROR", "TIMED_OUT")) {
        return "cannot tell";
      }
      throw error;
    }
  };
  return { imageAvailable, close: () => client.close() };
}

function accessOf(context: PipelineContext, api: KubernetesConnection): InstanceAccess {
  return {
    engineIsLocal: reachesPods(context, api),
    addressOf: (instance) => api.addressOf(instance),
    exec: (instance, command, options) => api.exec(instance, command, options),
  };
}

/** Whether pods' addresses lead anywhere from here: in a pod of the cluster, or on its node. */
function reachesPods({ env }: PipelineContext, api: KubernetesConnection): boolean {
  if (env.KUBERNETES_SERVICE_HOST !== undefined) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(({ address, internal }) => !internal && address === api.host);
}
