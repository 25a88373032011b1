import { networkInterfaces } from "node:os";
import type { KubernetesTarget, Settings } from "@belay/config";
import type { KubernetesConnection } from "@belay/kubernetes";
import { imageAtRegistry, registryAccess } from "../access/registry-access.ts";
import type { PipelineContext } from "../run/context.ts";
import type { OpenTarget } from "./open-target.ts";
import { requireNamespace } from "./require-namespace.ts";
import { type InstanceAccess, startProber } from "./start-prober.ts";

/** The cluster pulls the image, not this machine: a registry that can't be reached from here holds nothing up for long. */
const REGISTRY_ATTEMPTS = 2;

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
  const { kubeconfig, kubeconfigText } = kubernetes;
  const api = await connectKubernetes({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(kubeconfigText === undefined ? {} : { kubeconfigText }),
    ...(kubernetes.context === undefined ? {} : { context: kubernetes.context }),
    ...(kubernetes.namespace === undefined ? {} : { namespace: kubernetes.namespace }),
    ...{ env, clock, redactor, log },
  });
  const { namespace } = api;
  const { client } = await registryAccess(context, undefined, token, REGISTRY_ATTEMPTS);
  const scope = { target: "kubernetes", project: namespace, application, environment } as const;
  const services = namesOf(settings);
  const { variables, secrets, directory } = settings;
  const { files } = kubernetes;
  const { runner } = context;
  const open = settings.url === undefined ? [] : [settings.url];
  const manifests = { api, scope, services, files, directory, variables, secrets, runner, redactor, open };
  const target = await createKubernetesTarget({
    ...{ api, log, clock, redactor, scope, services },
    ...(files.length === 0 ? {} : { manifests: createManifests(manifests) }),
    imageAvailable: imageAtRegistry(client),
    kubectlArgs: kubectlArguments(kubernetes),
    runsCommands: settings.health.some(({ check }) => check.kind === "command"),
  });
  return {
    target,
    startProber: (ending) => startProber(context, settings, async () => accessOf(context, api), ending),
    requirePlace: () => requireNamespace(api),
    close: async () => {
      client.close();
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
