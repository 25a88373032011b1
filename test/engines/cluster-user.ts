import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redactor, systemClock } from "@belay/core";
import { type ConnectOptions, connectKubernetes, type KubernetesConnection } from "@belay/kubernetes";
import { type Cluster, createTestLog, type TemporaryFolder, type TestLog, temporaryFolder } from "@belay/testkit";

type ClusterFields = Readonly<Record<string, string | boolean>>;

/** A connection with all that it wrote. */
export interface Opened extends AsyncDisposable {
  readonly api: KubernetesConnection;
  readonly log: TestLog;
  readonly redactor: Redactor;
}

/** Somebody who comes to a cluster with a kubeconfig of his own, and an account in a namespace of his own. */
export class ClusterUser {
  readonly folder: string;
  readonly namespace: string;
  readonly server: URL;
  readonly authority: string;
  /** The administrator's, PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly #cluster: Cluster;
  readonly #temporary: TemporaryFolder;

  private constructor(
    cluster: Cluster,
    temporary: TemporaryFolder,
    namespace: string,
    facts: Readonly<Record<"server" | "authority" | "certificate" | "key", string>>,
  ) {
    this.#cluster = cluster;
    this.#temporary = temporary;
    this.folder = temporary.path;
    this.namespace = namespace;
    this.server = new URL(facts.server);
    this.authority = facts.authority;
    this.certificate = facts.certificate;
    this.key = facts.key;
  }

  /** The account `ada` may read pods, and so may whoever has its token. */
  static async create(cluster: Cluster, namespace: string): Promise<ClusterUser> {
    const { stdout } = await cluster.kubectl(["config", "view", "--raw", "--flatten", "--minify", "-o", "json"]);
    const view = JSON.parse(stdout) as {
      clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
      users: [{ user: { "client-certificate-data": string; "client-key-data": string } }];
    };
    const [[{ cluster: of }], [{ user }]] = [view.clusters, view.users];
    const text = (base64: string): string => Buffer.from(base64, "base64").toString("utf8");
    await cluster.kubectl(["create", "namespace", namespace]);
    const kubectl = (...args: string[]) => cluster.kubectl(["-n", namespace, ...args]);
    await kubectl("create", "serviceaccount", "ada");
    await kubectl("create", "rolebinding", "ada", "--clusterrole=view", `--serviceaccount=${namespace}:ada`);
    return new ClusterUser(cluster, await temporaryFolder("belay-user"), namespace, {
      server: of.server,
      authority: text(of["certificate-authority-data"]),
      certificate: text(user["client-certificate-data"]),
      key: text(user["client-key-data"]),
    });
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return (await this.#cluster.kubectl(["-n", this.namespace, ...args])).stdout;
  }

  async pipe(text: string, ...args: readonly string[]): Promise<void> {
    await this.#cluster.kubectl(["-n", this.namespace, ...args, "-f", "-"], { input: text });
  }

  /** A token of `ada`, which counts no more as soon as the Secret `bond` is gone. */
  async token(bond: string): Promise<string> {
    await this.kubectl("create", "secret", "generic", bond);
    const bound = ["--bound-object-kind=Secret", `--bound-object-name=${bond}`];
    return (await this.kubectl("create", "token", "ada", ...bound)).trim();
  }

  async write(name: string, text: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, text);
    return path;
  }

  read(name: string): Promise<string> {
    return readFile(join(this.folder, name), "utf8");
  }

  /** A program in the user's folder: a shell script. */
  async program(name: string, script: string): Promise<string> {
    const path = await this.write(name, `#!/bin/sh\ncd '${this.folder}'\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  /** A kubeconfig with one context, `here`. */
  kubeconfig(user: object, cluster: ClusterFields = {}, context: object = {}): string {
    const trusted =
      "insecure-skip-tls-verify" in cluster ? {} : { "certificate-authority-data": base64(this.authority) };
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "real", cluster: { server: this.server.origin, ...trusted, ...cluster } }],
      users: [{ name: "ada", user }],
      contexts: [{ name: "here", context: { cluster: "real", user: "ada", ...context } }],
      "current-context": "here",
    });
  }

  async connect(options: Partial<ConnectOptions>): Promise<Opened> {
    const redactor = new Redactor();
    const log = createTestLog(redactor);
    const place = { env: {}, clock: systemClock, redactor, log };
    const api = await connectKubernetes({ ...place, ...options });
    return { api, log, redactor, [Symbol.asyncDispose]: () => api.close() };
  }

  async remove(): Promise<void> {
    await this.kubectl("delete", "namespace", this.namespace, "--wait=false");
    await this.#temporary.remove();
  }
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
