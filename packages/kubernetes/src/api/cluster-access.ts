import { readFile } from "node:fs/promises";
import type { RequestOptions as TlsOptions } from "node:https";
import { BelayError, type Clock, createRunner, messageOf, type Redactor } from "@belay/core";
import type { KubeConfig } from "@kubernetes/client-node";
import { type CredentialSource, PluginSource, TokenFile } from "./credential-source.ts";
import { type Credential, type ExecPlugin, runExecPlugin } from "./exec-plugin.ts";
import type { KubeconfigUser } from "./load-kubeconfig.ts";

export interface AccessPorts {
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** In the place of `auth-provider`: here that what follows signs in. */
const OWN = "belay";

/**
 * The cluster of a kubeconfig, and who one is there. Fixed credentials are the client's own business; those that a plugin or
 * a file gives are fetched when they are needed, and again when they no longer count, also for WebSockets.
 */
export class ClusterAccess {
  readonly #source: CredentialSource | undefined;
  readonly #create: () => KubeConfig;
  readonly #agents = new Set<{ destroy(): void }>();
  #config: KubeConfig;
  /** Signed in with last. */
  #used: Credential | undefined;

  private constructor(config: KubeConfig, source: CredentialSource | undefined, create: () => KubeConfig) {
    this.#create = create;
    this.#source = source;
    this.#config = this.#signing(config);
  }

  static async open(config: KubeConfig, ports: AccessPorts): Promise<ClusterAccess> {
    const { KubeConfig } = await import("./kube-config.ts");
    for (const secret of fixedSecrets(config.getCurrentUser())) ports.redactor.add(secret);
    return new ClusterAccess(config, sourceOf(config, ports), () => new KubeConfig());
  }

  /** With the credentials of now. @throws what getting them throws. */
  async config(): Promise<KubeConfig> {
    const credential = await this.#source?.get();
    // A connection keeps the certificate that it was opened with, and so does the client's pool of connections.
    if (this.#used !== undefined && this.#used.certificate !== credential?.certificate) {
      this.#config = this.#signing(this.#config);
    }
    this.#used = credential;
    return this.#config;
  }

  /** Address of the API server. */
  get server(): URL {
    return new URL(this.#config.getCurrentCluster()?.server ?? "");
  }

  /** Adds to a request what it needs to be let in. @throws BelayError ENGINE_FORBIDDEN, TOOL_MISSING */
  async applyTo(options: TlsOptions): Promise<Credential | undefined> {
    try {
      await (await this.config()).applyToHTTPSOptions(options);
    } catch (error) {
      if (error instanceof BelayError) throw error;
      // A certificate that is not there, an `auth-provider` that fails.
      const next = "Check that kubectl works with this kubeconfig.";
      const doing = "signing in at the API server";
      throw new BelayError("ENGINE_FORBIDDEN", { doing, got: messageOf(error), next, cause: error });
    }
    if (typeof options.agent === "object") {
      // The client's agent ends each connection by default.
      (options.agent as { keepAlive?: boolean }).keepAlive = true;
      this.#agents.add(options.agent);
    }
    return this.#used;
  }

  /** The API server did not know who that was. Answers whether asking once more may help. */
  refused(credential: Credential | undefined): boolean {
    return credential !== undefined && this.#source?.refused(credential) === true;
  }

  /** Ends the connections. */
  close(): void {
    for (const agent of this.#agents) agent.destroy();
    this.#agents.clear();
  }

  /** The same once more, with connections of its own. */
  #signing(config: KubeConfig): KubeConfig {
    const context = config.getContextObject(config.getCurrentContext());
    const users = config.getUsers().map((user: KubeconfigUser): KubeconfigUser => {
      if (user.name !== context?.user || this.#source === undefined) return user;
      const { name, impersonateUser, impersonation = {} } = user;
      return { name, authProvider: { name: OWN }, impersonation, ...(impersonateUser ? { impersonateUser } : {}) };
    });
    const next = this.#create();
    next.loadFromOptions({
      clusters: config.getClusters(),
      contexts: config.getContexts(),
      currentContext: config.getCurrentContext(),
      users,
    });
    next.addAuthenticator({
      // Asked when the client's own have said no: for fixed credentials, which it adds itself, too.
      isAuthProvider: () => true,
      applyAuthentication: async ({ impersonation = {} }: KubeconfigUser, options) => {
        options.headers = { ...options.headers, ...impersonation } as typeof options.headers;
        const credential = this.#used;
        if (credential?.certificate !== undefined) Object.assign(options, { cert: credential.certificate });
        if (credential?.key !== undefined) Object.assign(options, { key: credential.key });
        if (credential?.token === undefined) return;
        options.headers = { ...options.headers, Authorization: `Bearer ${credential.token}` } as typeof options.headers;
      },
    });
    return next;
  }
}

/** What the kubeconfig itself holds to be let in. A key in a file is read only to sign with. */
function fixedSecrets(user: KubeconfigUser | null): readonly string[] {
  const { token, password, keyData, authProvider } = user ?? {};
  const key = keyData ? Buffer.from(keyData, "base64").toString("utf8") : undefined;
  const provided = Object.entries((authProvider?.config ?? {}) as Readonly<Record<string, unknown>>);
  const named = provided.filter(([name]) => /-(token|secret)$/.test(name)).map(([, value]) => value);
  // YAML makes a number of a password that looks like one.
  return [token, password, keyData, key, ...named].flatMap((one) => (one ? [String(one)] : []));
}

function sourceOf(config: KubeConfig, { redactor, clock, env }: AccessPorts): CredentialSource | undefined {
  const user = config.getCurrentUser();
  const { tokenFile } = (user?.authProvider?.config ?? {}) as { readonly tokenFile?: string };
  if (tokenFile !== undefined) return new TokenFile(tokenFile, redactor);
  const plugin = user?.exec as ExecPlugin | null | undefined;
  // What a kubeconfig says itself comes before what a plugin would (client-go, `UpdateTransportConfig`).
  if (!plugin || user?.token || user?.certData || user?.certFile || user?.username) return undefined;
  const ports = { runner: createRunner(redactor), redactor, env };
  return new PluginSource(async () => runExecPlugin(plugin, { ...ports, cluster: await clusterInfo(config) }), clock);
}

/** `spec.cluster` of an `ExecCredential` (client-go, `pkg/apis/clientauthentication/v1`, `Cluster`). */
async function clusterInfo(config: KubeConfig): Promise<Readonly<Record<string, unknown>>> {
  const { server, tlsServerName, skipTLSVerify, caData, caFile, proxyUrl } = config.getCurrentCluster() ?? {};
  const authority = caData ?? (caFile ? await readFile(caFile, "base64") : undefined);
  return {
    server,
    "tls-server-name": tlsServerName,
    "insecure-skip-tls-verify": skipTLSVerify || undefined,
    "certificate-authority-data": authority,
    "proxy-url": proxyUrl,
  };
}
