import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRunner, type Digest, Redactor, type Release, type Scope, systemClock } from "@belay/core";
import {
  connectKubernetes,
  createApplyVerb,
  type DesiredObject,
  type DesiredState,
  type KubernetesConnection,
  type KubernetesObject,
  marksOf,
  type ObjectVerb,
  type Preview,
  type RenderOptions,
  renderManifests,
  type SavedObject,
  titleOf,
} from "@belay/kubernetes";
import { type Cluster, createTestLog, type TemporaryFolder, temporaryFolder } from "@belay/testkit";

export const REPOSITORY = "registry.example/shop-web";

/** An image that no node can have: what is tested with it needs no pod. */
export function releaseWith(digit: string, repository = REPOSITORY): Release {
  const digest: Digest = `sha256:${digit.repeat(64).slice(0, 64)}`;
  return {
    schema: "belay.release/v1",
    stage: "push",
    application: "shop",
    source: { repository: "https://github.com/acme/shop", revision: "0".repeat(40) },
    services: { web: { repository, platforms: {}, digest, tags: [] } },
    evidence: {},
    createdAt: "2026-11-26T00:00:00Z",
  };
}

/** A namespace of its own, a folder of manifests, and the verb that applies them: without plans, judges and ledgers. */
export class ManifestStand {
  readonly namespace: string;
  readonly scope: Scope;
  readonly api: KubernetesConnection;
  readonly verb: ObjectVerb;
  readonly folder: string;
  readonly signal: AbortSignal = new AbortController().signal;
  readonly #cluster: Cluster;
  readonly #temporary: TemporaryFolder;

  private constructor(cluster: Cluster, api: KubernetesConnection, temporary: TemporaryFolder, environment: string) {
    this.namespace = api.namespace;
    this.scope = { target: "kubernetes", project: api.namespace, application: "shop", environment };
    this.api = api;
    this.verb = createApplyVerb(api, this.scope);
    this.folder = temporary.path;
    this.#cluster = cluster;
    this.#temporary = temporary;
  }

  static async open(cluster: Cluster, environment = "staging"): Promise<ManifestStand> {
    const namespace = `belay-${randomBytes(5).toString("hex")}`;
    await cluster.kubectl(["create", "namespace", namespace]);
    const api = await connectKubernetes({
      kubeconfig: cluster.kubeconfig,
      env: {},
      namespace,
      clock: systemClock,
      redactor: new Redactor(),
      log: createTestLog(),
    });
    return new ManifestStand(cluster, api, await temporaryFolder("belay-manifests"), environment);
  }

  /** The same namespace and files, seen with another user's eyes. */
  async as(account: string): Promise<ManifestStand> {
    const path = `/api/v1/namespaces/${this.namespace}/serviceaccounts/${account}/token`;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3_600 } };
    const { status } = await this.api.request<{ status: { token: string } }>("POST", path, { body });
    const { stdout } = await this.#cluster.kubectl(["config", "view", "--raw", "--flatten", "--minify", "-o", "json"]);
    const config = JSON.parse(stdout) as { contexts: { context: object }[] };
    const users = [{ name: "account", user: { token: status.token } }];
    const contexts = config.contexts.map((one) => ({ ...one, context: { ...one.context, user: "account" } }));
    const api = await connectKubernetes({
      kubeconfigText: JSON.stringify({ ...config, users, contexts }),
      env: {},
      namespace: this.namespace,
      clock: systemClock,
      redactor: new Redactor(),
      log: createTestLog(),
    });
    return new ManifestStand(this.#cluster, api, this.#temporary, this.scope.environment);
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await this.#cluster.kubectl(["-n", this.namespace, ...args]);
    return stdout;
  }

  /** `kubectl apply -f -` and the like, with a manifest on standard input. */
  async pipe(text: string, ...args: readonly string[]): Promise<void> {
    await this.#cluster.kubectl(["-n", this.namespace, ...args, "-f", "-"], { input: text });
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
  }

  render(release: Release, more: Partial<RenderOptions> = {}): Promise<DesiredState> {
    return renderManifests({
      api: this.api,
      scope: this.scope,
      runner: createRunner(new Redactor()),
      redactor: new Redactor(),
      files: [this.folder],
      directory: this.folder,
      variables: {},
      secrets: {},
      services: {},
      release,
      signal: this.signal,
      ...more,
    });
  }

  async preview(desired: DesiredObject): Promise<Preview> {
    return this.verb.preview(desired, await this.api.get(desired));
  }

  /** Everything of a state, in order, as deployment `number`. Answers with what the way back needs. */
  async applyAll(state: DesiredState, number: number): Promise<readonly SavedObject[]> {
    const marks = marksOf(this.scope, {
      deployment: number,
      release: `sha256:${String(number).repeat(64).slice(0, 64)}`,
    });
    const saved: SavedObject[] = [];
    for (const desired of state.objects) {
      saved.push(this.verb.save(desired, await this.api.get(desired)));
      await this.verb.change(desired, marks, this.signal);
    }
    return saved;
  }

  /** The way back, as it comes out of the ledger: through JSON. */
  async restoreAll(saved: readonly SavedObject[]): Promise<void> {
    for (const one of (JSON.parse(JSON.stringify(saved)) as SavedObject[]).reverse()) {
      if (one.was === undefined) await this.api.remove(one.key);
      else await this.verb.restore(one, { labels: {}, annotations: { "belay.dev/restored-by": "9" } }, this.signal);
    }
  }

  async get(kind: string, name: string): Promise<KubernetesObject> {
    return JSON.parse(await this.kubectl("get", kind, name, "-o", "json", "--show-managed-fields")) as KubernetesObject;
  }

  async close(): Promise<void> {
    await this.#cluster.kubectl(["delete", "namespace", this.namespace, "--wait=false"]);
    await this.api.close();
    await this.#temporary.remove();
  }
}

/** The object of a state by `kind/name`; a hash at the end of the name need not be known. */
export function objectOf(state: DesiredState, title: string): DesiredObject {
  const found = state.objects.find((one) => titleOf(one).replace(/-[0-9a-f]{10}$/, "") === title);
  if (found === undefined) throw new Error(`no ${title} among ${state.objects.map(titleOf).join(", ")}`);
  return found;
}
