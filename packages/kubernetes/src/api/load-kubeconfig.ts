import { access, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { BelayError, messageOf } from "@belay/core";
import type { Cluster, Context, KubeConfig, User } from "@kubernetes/client-node";
import { parse } from "yaml";
import type { ExecPlugin } from "./exec-plugin.ts";
import { proxyOf } from "./proxy-of.ts";

export interface KubeconfigSource {
  /** Path of a file. */
  readonly kubeconfig?: string;
  /** A whole kubeconfig: never written to a file. */
  readonly kubeconfigText?: string;
  /** Default: its current one. */
  readonly context?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a pod has its own account. Default: where Kubernetes puts it. */
  readonly accountFolder?: string;
}

/** A user of a kubeconfig, with what the client does not read. */
export interface KubeconfigUser extends User {
  /** Headers that make somebody else of him, besides `as` ("User impersonation"). */
  readonly impersonation?: Readonly<Record<string, string | string[]>>;
}

/** `users[].user`, as far as the client leaves it out. */
interface UserData {
  readonly tokenFile?: string;
  readonly "as-uid"?: string;
  readonly "as-groups"?: string[];
  readonly "as-user-extra"?: Readonly<Record<string, string[]>>;
}

/** What a kubeconfig holds, with absolute paths. */
interface Contents {
  readonly clusters: Cluster[];
  readonly users: User[];
  readonly contexts: Context[];
  readonly currentContext: string;
}

/** Not a name that a user's file would have by chance. */
const IN_CLUSTER = "in-cluster (the pod's own account)";
/** "Accessing the Kubernetes API from a Pod" */
const ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * The kubeconfig as kubectl finds it: what is given, `KUBECONFIG`, `~/.kube/config`, else the pod's own account.
 * The client behind it is big, so it is loaded only here.
 *
 * @throws BelayError INVALID_INPUT when there is none, it can't be read, or it has not this context.
 */
export async function loadKubeconfig(source: KubeconfigSource): Promise<KubeConfig> {
  const { KubeConfig } = await import("./kube-config.ts");
  const doing = "reading the kubeconfig";
  const config = new KubeConfig();
  try {
    const contents = await readContents(source, () => new KubeConfig());
    config.loadFromOptions({ ...contents, clusters: contents.clusters.map((one) => throughProxy(one, source.env)) });
  } catch (error) {
    throw error instanceof BelayError
      ? error
      : new BelayError("INVALID_INPUT", { doing, got: reasonOf(error), next: "Check `kubeconfig`." });
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

/** Only the place of a mistake in YAML: both parsers quote what is there, which may be a password. */
function reasonOf(error: unknown): string {
  const { mark, linePos } = error as {
    readonly mark?: { readonly line: number; readonly column: number };
    readonly linePos?: readonly { readonly line: number; readonly col: number }[];
  };
  const [line, column] =
    mark === undefined ? [linePos?.[0]?.line, linePos?.[0]?.col] : [mark.line + 1, mark.column + 1];
  return line === undefined ? messageOf(error) : `it is no valid YAML (line ${line}, column ${column})`;
}

/** What the kubeconfig says itself has the say. A pod reaches its own cluster without one. */
function throughProxy(cluster: Cluster, env: KubeconfigSource["env"]): Cluster {
  // One that is not used may be anything.
  if (cluster.proxyUrl || cluster.name === IN_CLUSTER || !URL.canParse(cluster.server)) return cluster;
  const proxyUrl = proxyOf(cluster.server, env);
  return proxyUrl === undefined ? cluster : { ...cluster, proxyUrl };
}

async function readContents(source: KubeconfigSource, create: () => KubeConfig): Promise<Contents> {
  const { kubeconfig, kubeconfigText, env } = source;
  if (kubeconfigText !== undefined) return contentsOf(create(), kubeconfigText, process.cwd());
  if (kubeconfig !== undefined) return readContentsOf(create(), kubeconfig);
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  const own = join(env.HOME ?? homedir(), ".kube", "config");
  const files = named.length > 0 ? named : [own];
  const present: string[] = [];
  for (const file of files) if (await exists(file)) present.push(file);
  if (present.length > 0) return merged(await Promise.all(present.map((file) => readContentsOf(create(), file))));
  if (named.length === 0 && env.KUBERNETES_SERVICE_HOST !== undefined) {
    const account = await readAccount(env, source.accountFolder ?? ACCOUNT_FOLDER);
    if (account !== undefined) return account;
  }
  const found =
    named.length > 0
      ? `KUBECONFIG names ${named.join(", ")}, where there is none`
      : `none was given, KUBECONFIG is not set, ${own} is not there, and this is no pod of a cluster`;
  throw new BelayError("INVALID_INPUT", {
    doing: "looking for a kubeconfig",
    got: found,
    next: "Give `kubeconfig`, or `kubeconfig-data` with the content of one.",
  });
}

/** Of several files the first one that has a name counts for it, as for kubectl. */
function merged(all: readonly Contents[]): Contents {
  const first = <T extends { readonly name: string }>(lists: readonly T[][]): T[] =>
    [
      ...new Map(
        lists
          .flat()
          .toReversed()
          .map((one) => [one.name, one]),
      ).values(),
    ].toReversed();
  return {
    clusters: first(all.map(({ clusters }) => clusters)),
    users: first(all.map(({ users }) => users)),
    contexts: first(all.map(({ contexts }) => contexts)),
    currentContext: all.find(({ currentContext }) => currentContext)?.currentContext ?? "",
  };
}

async function readContentsOf(config: KubeConfig, file: string): Promise<Contents> {
  const path = resolve(file);
  return contentsOf(config, await readFile(path, "utf8"), dirname(path));
}

/** Paths in a kubeconfig are relative to its folder (client-go, `ResolveLocalPaths`); the client knows only some of them. */
function contentsOf(config: KubeConfig, text: string, folder: string): Contents {
  config.loadFromString(text);
  config.makePathsAbsolute(folder);
  const data = parse(text, { logLevel: "error" }) as { readonly users?: readonly { name: string; user?: UserData }[] };
  const more = new Map(data.users?.map(({ name, user }) => [name, user ?? {}]));
  const users = config.getUsers().map((found): KubeconfigUser => {
    const { tokenFile, ...own } = more.get(found.name) ?? {};
    const user = { ...found, impersonation: impersonationOf(own) };
    if (tokenFile) return fromFile(user, resolve(folder, tokenFile));
    const plugin = user.exec as ExecPlugin | null | undefined;
    if (!plugin?.command?.includes("/")) return user;
    return { ...user, exec: { ...plugin, command: resolve(folder, plugin.command) } };
  });
  return {
    clusters: config.getClusters(),
    contexts: config.getContexts(),
    currentContext: config.getCurrentContext(),
    users,
  };
}

function impersonationOf(user: UserData): NonNullable<KubeconfigUser["impersonation"]> {
  const { "as-uid": uid, "as-groups": groups, "as-user-extra": extra = {} } = user;
  const extras = Object.entries(extra).map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key)}`, values]);
  return {
    ...(uid ? { "Impersonate-Uid": uid } : {}),
    ...(groups && groups.length > 0 ? { "Impersonate-Group": groups } : {}),
    ...Object.fromEntries(extras),
  };
}

/** The form in which the client keeps it for a pod's own account. */
function fromFile({ token: _token, ...user }: KubeconfigUser, tokenFile: string): KubeconfigUser {
  return { ...user, authProvider: { name: "tokenFile", config: { tokenFile } } };
}

/** The account that a pod has of its own; `undefined` when it has none (`automountServiceAccountToken: false`). */
async function readAccount(env: KubeconfigSource["env"], folder: string): Promise<Contents | undefined> {
  const token = join(folder, "token");
  if (!(await exists(token))) return undefined;
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } = env;
  const name = IN_CLUSTER;
  const namespace = await readFile(join(folder, "namespace"), "utf8").catch(() => "");
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    clusters: [{ name, server, caFile: join(folder, "ca.crt"), skipTLSVerify: false }],
    users: [fromFile({ name }, token)],
    contexts: [{ name, cluster: name, user: name, namespace: namespace.trim() }],
    currentContext: name,
  };
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
