import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { BelayError, messageOf } from "@belay/core";
import type { KubeConfig } from "@kubernetes/client-node";

export interface KubeconfigSource {
  /** Path of a file. */
  readonly kubeconfig?: string;
  /** A whole kubeconfig: never written to a file. */
  readonly kubeconfigText?: string;
  /** Default: its current one. */
  readonly context?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * The kubeconfig as kubectl finds it: what is given, `KUBECONFIG`, `~/.kube/config`, else the pod's own account.
 * The client behind it is big, so it is loaded only here. It runs exec plugins (EKS, GKE, AKS) and renews their tokens.
 *
 * @throws BelayError INVALID_INPUT when there is none, it can't be read, or it has not this context.
 */
export async function loadKubeconfig(source: KubeconfigSource): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const doing = "reading the kubeconfig";
  const config = new KubeConfig();
  try {
    await load(config, source, () => new KubeConfig());
  } catch (error) {
    throw error instanceof BelayError
      ? error
      : new BelayError("INVALID_INPUT", { doing, got: messageOf(error), next: "Check `kubeconfig`.", cause: error });
  }
  if (source.context !== undefined) choose(config, source.context);
  if (config.getCurrentCluster() === null) {
    const names = config.getContexts().map(({ name }) => name);
    const got = `its current context is ${JSON.stringify(config.getCurrentContext() ?? "")}, which names no cluster`;
    const next = names.length === 0 ? "It has no contexts." : `Set \`context\` to one of ${names.join(", ")}.`;
    throw new BelayError("INVALID_INPUT", { doing, got, next });
  }
  return config;
}

async function load(config: KubeConfig, source: KubeconfigSource, create: () => KubeConfig): Promise<void> {
  const { kubeconfig, kubeconfigText, env } = source;
  if (kubeconfigText !== undefined) config.loadFromString(kubeconfigText);
  else if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
  else await loadFound(config, env, create);
}

/** What kubectl itself would use. */
async function loadFound(config: KubeConfig, env: KubeconfigSource["env"], create: () => KubeConfig): Promise<void> {
  const files = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  const own = join(env.HOME ?? homedir(), ".kube", "config");
  if (files.length === 0 && (await exists(own))) files.push(own);
  const [first, ...others] = files;
  if (first !== undefined) {
    config.loadFromFile(first);
    for (const file of others) {
      const more = create();
      more.loadFromFile(file);
      // The first file that says which context is current wins, as for kubectl.
      config.mergeConfig(more, true);
    }
    return;
  }
  if (env.KUBERNETES_SERVICE_HOST !== undefined && (await exists(ACCOUNT))) {
    config.loadFromCluster();
    return;
  }
  throw new BelayError("INVALID_INPUT", {
    doing: "looking for a kubeconfig",
    got: `none was given, KUBECONFIG is not set, ${own} is not there, and this is no pod of a cluster`,
    next: "Give `kubeconfig`, or `kubeconfig-data` with the content of one.",
  });
}

function choose(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name);
  if (names.includes(context)) {
    config.setCurrentContext(context);
    return;
  }
  throw new BelayError("INVALID_INPUT", {
    doing: `choosing the context ${context} of the kubeconfig`,
    got: "it has no such context",
    next: `Legal values of \`context\`: ${names.join(", ")}.`,
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    // Whatever is in the way: it can't be read.
    return false;
  }
}
