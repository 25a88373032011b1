import { BelayError, type Clock, type Log, type Redactor, retry } from "@belay/core";
import type {
  Access,
  ApplyOptions,
  KubernetesApi,
  ListOptions,
  PatchOperation,
  RemoveOptions,
  RequestOptions,
  ResourceList,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../kubernetes-api.ts";
import { type KubernetesObject, keyOf, type ObjectKey, titleOf } from "../kubernetes-object.ts";
import { FIELD_MANAGER } from "../marks.ts";
import type { Pod } from "../observe/pod.ts";
import { isMissing, isStatus } from "./api-error.ts";
import { mayAskAgain, queryOf, retryAfterMs, within } from "./bounded-call.ts";
import { checkVersion, type ServerVersion } from "./check-version.ts";
import { ClusterAccess } from "./cluster-access.ts";
import { type ExecResult, execInPod } from "./exec-in-pod.ts";
import { HttpConnection } from "./http-connection.ts";
import { type KubeconfigSource, loadKubeconfig } from "./load-kubeconfig.ts";
import { PodDirectory } from "./pod-directory.ts";
import { type Page, readPages } from "./read-pages.ts";
import {
  collectionPath,
  type DiscoveryList,
  groupPath,
  knownResource,
  objectPath,
  type Resource,
  resourceIn,
} from "./resource-paths.ts";
import { watchStream } from "./watch-stream.ts";

export interface ConnectOptions extends KubeconfigSource {
  /** Default: the context's own, or `default`. */
  readonly namespace?: string;
  readonly clock: Clock;
  readonly redactor: Redactor;
  readonly log: Log;
}

/** Connection to a cluster, to be closed by whoever opened it. */
export interface KubernetesConnection extends KubernetesApi {
  /** `api.example:6443` without the port. */
  readonly host: string;
  /** Runs a command in the first container of a pod of the namespace, named by its uid. */
  exec(
    uid: string,
    command: readonly string[],
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<ExecResult>;
  /** Address of a pod of the namespace, named by its uid. */
  addressOf(uid: string): Promise<string | undefined>;
  close(): Promise<void>;
}

const DEADLINE_MS = 20_000;
/** Objects per page: what is read at once must not be as large as a large namespace (API concepts, "chunks"). */
const PAGE = 500;
/** API concepts, "Receiving resources as Tables", and the same for metadata. */
const METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const METADATA_EVENTS = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/**
 * Connects to the cluster of a kubeconfig and proves that it answers.
 * @throws BelayError INVALID_INPUT for the kubeconfig, ENGINE_UNREACHABLE, ENGINE_TLS, ENGINE_FORBIDDEN or
 * ENGINE_TOO_OLD for the cluster.
 */
export async function connectKubernetes(options: ConnectOptions): Promise<KubernetesConnection> {
  const config = await loadKubeconfig(options);
  const { clock, redactor, log } = options;
  const own = config.getContextObject(config.getCurrentContext())?.namespace;
  const access = await ClusterAccess.open(config, options);
  if (config.getCurrentCluster()?.skipTLSVerify) {
    const danger = "whoever is on the way there can read and change everything, the credentials included";
    log.warn(`the certificate of ${access.server.host} is not checked (\`insecure-skip-tls-verify\`): ${danger}`);
  }
  const connection = new HttpConnection(access, redactor, clock);
  const api = new ApiClient(connection, access, options.namespace ?? (own || "default"), clock);
  checkVersion(await api.request<ServerVersion>("GET", "/version", { doing: "connecting to the cluster" }), log);
  return api;
}

class ApiClient implements KubernetesConnection {
  readonly namespace: string;
  readonly #http: HttpConnection;
  readonly #access: ClusterAccess;
  readonly #clock: Clock;
  readonly #pods = new PodDirectory(async () => (await this.list("v1", "Pod")).items as readonly Pod[]);
  readonly #discovered = new Map<string, Promise<DiscoveryList | undefined>>();

  constructor(http: HttpConnection, access: ClusterAccess, namespace: string, clock: Clock) {
    this.#http = http;
    this.#access = access;
    this.namespace = namespace;
    this.#clock = clock;
  }

  now(): number {
    return this.#http.now();
  }

  async get(key: ObjectKey, signal?: AbortSignal): Promise<KubernetesObject | undefined> {
    const resource = await this.#find(key.apiVersion, key.kind, signal);
    if (resource === undefined) return undefined;
    try {
      const path = objectPath(key, resource, this.namespace);
      return await this.request("GET", path, { doing: `reading ${titleOf(key)}`, ...(signal && { signal }) });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async list(apiVersion: string, kind: string, options: ListOptions = {}): Promise<ResourceList> {
    const { labelSelector, fieldSelector, namespace = this.namespace, metadataOnly, signal } = options;
    const { keep = (object) => object } = options;
    const resource = await this.#resource(apiVersion, kind, signal);
    const path = collectionPath(apiVersion, resource, namespace);
    const doing = `listing ${resource.plural}`;
    // The members of a list have neither of the two.
    const take = (item: KubernetesObject): KubernetesObject => keep({ ...item, apiVersion, kind });
    const ask = (page: { readonly limit?: number; readonly continue?: string | undefined }): Promise<Page> =>
      this.request("GET", path, {
        doing,
        query: { labelSelector, fieldSelector, ...page },
        ...(metadataOnly ? { accept: METADATA_ONLY } : {}),
        ...(signal && { signal }),
      });
    try {
      return await readPages((place) => ask({ limit: PAGE, continue: place }), take);
    } catch (error) {
      // The server forgot where the next page begins: then all at once.
      if (!isStatus(error, 410)) throw error;
      return readPages(() => ask({}), take);
    }
  }

  async create(object: KubernetesObject, options: WriteOptions = {}): Promise<KubernetesObject> {
    const key = keyOf(object);
    const resource = await this.#resource(key.apiVersion, key.kind, options.signal);
    const path = collectionPath(key.apiVersion, resource, key.namespace ?? this.namespace);
    return this.#write("POST", path, `creating ${titleOf(key)}`, object, "application/json", {}, options);
  }

  async patch(
    key: ObjectKey,
    operations: readonly PatchOperation[],
    options: WriteOptions = {},
  ): Promise<KubernetesObject> {
    const path = await this.#pathOf(key, options.signal);
    const type = "application/json-patch+json";
    return this.#write("PATCH", path, `changing ${titleOf(key)}`, operations, type, {}, options);
  }

  async apply(object: KubernetesObject, options: ApplyOptions = {}): Promise<KubernetesObject> {
    const key = keyOf(object);
    const path = await this.#pathOf(key, options.signal);
    const type = "application/apply-patch+yaml";
    const query = { force: options.force === true };
    return this.#write("PATCH", path, `applying ${titleOf(key)}`, object, type, query, options);
  }

  #write(
    method: string,
    path: string,
    doing: string,
    body: unknown,
    contentType: string,
    query: NonNullable<RequestOptions["query"]>,
    { dryRun, signal }: WriteOptions,
  ): Promise<KubernetesObject> {
    return this.request(method, path, {
      doing: dryRun ? `${doing} (dry run)` : doing,
      body,
      contentType,
      query: { ...query, fieldManager: FIELD_MANAGER, dryRun: dryRun ? "All" : undefined },
      ...(signal && { signal }),
    });
  }

  async remove(key: ObjectKey, options: RemoveOptions = {}): Promise<void> {
    const { uid, resourceVersion, propagation = "Background", dryRun, signal } = options;
    const preconditions = { uid, resourceVersion };
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: propagation,
      ...(uid === undefined && resourceVersion === undefined ? {} : { preconditions }),
    };
    try {
      await this.request("DELETE", await this.#pathOf(key, signal), {
        doing: `removing ${titleOf(key)}`,
        body,
        query: { dryRun: dryRun ? "All" : undefined },
        ...(signal && { signal }),
      });
    } catch (error) {
      // 409: there is an object of that name, and it is not the one that was meant.
      const isAnother = uid !== undefined && resourceVersion === undefined && isStatus(error, 409);
      if (!isMissing(error) && !isAnother) throw error;
    }
  }

  async may({ verb, group, resource, subresource, name }: Access): Promise<boolean> {
    const { namespace } = this;
    const resourceAttributes = { namespace, verb, group, resource, subresource, name };
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const answer = await this.request<{ status?: { allowed?: boolean } }>("POST", path, {
      doing: "asking for permissions",
      body: review,
    });
    return answer.status?.allowed === true;
  }

  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const text = await this.text(path, options, method);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  text(path: string, options: RequestOptions = {}, method = "GET"): Promise<string> {
    const { query, body, contentType, accept, deadlineMs = DEADLINE_MS, signal } = options;
    const { doing = `${method} ${path}` } = options;
    const isRead = method === "GET" || query?.dryRun === "All";
    const call = {
      isRead,
      method,
      path: path + queryOf(query),
      doing,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(accept === undefined ? {} : { accept }),
    };
    const policy = {
      attempts: 4,
      delayMs: 200,
      // Only a pause that the server asks for is that long.
      maxDelayMs: 10_000,
      clock: this.#clock,
      retryable: (error: unknown) => mayAskAgain(error, isRead),
      retryAfterMs: (error: unknown) => retryAfterMs(error),
      ...(signal && { signal }),
    };
    return retry(policy, () =>
      within(deadlineMs, doing, signal, (limit) => this.#http.text({ ...call, signal: limit })),
    );
  }

  async watch(
    apiVersion: string,
    kind: string,
    resourceVersion: string,
    signal: AbortSignal,
    { fieldSelector, metadataOnly }: WatchOptions = {},
  ): Promise<AsyncIterable<WatchEvent>> {
    const resource = await this.#resource(apiVersion, kind, signal);
    const query = { watch: true, resourceVersion, fieldSelector, allowWatchBookmarks: true, timeoutSeconds: 300 };
    const path = collectionPath(apiVersion, resource, this.namespace) + queryOf(query);
    const doing = `watching ${resource.plural}`;
    const accept = metadataOnly ? { accept: METADATA_EVENTS } : {};
    return watchStream(
      await this.#http.open({ method: "GET", isRead: true, path, doing, signal, ...accept }),
      doing,
      signal,
    );
  }

  async #pathOf(key: ObjectKey, signal: AbortSignal | undefined): Promise<string> {
    return objectPath(key, await this.#resource(key.apiVersion, key.kind, signal), this.namespace);
  }

  async #resource(apiVersion: string, kind: string, signal: AbortSignal | undefined): Promise<Resource> {
    const found = await this.#find(apiVersion, kind, signal);
    if (found !== undefined) return found;
    throw new BelayError("ENGINE_ERROR", {
      doing: `looking for the kind ${kind}`,
      got: `the cluster has no ${apiVersion} with it`,
      next: "Check `apiVersion`, or install the CustomResourceDefinition first.",
    });
  }

  async #find(apiVersion: string, kind: string, signal: AbortSignal | undefined): Promise<Resource | undefined> {
    const known = knownResource(apiVersion, kind);
    if (known !== undefined) return known;
    const asked = this.#discovered.get(apiVersion) ?? this.#discover(apiVersion, signal);
    this.#discovered.set(apiVersion, asked);
    try {
      const list = await asked;
      const found = list && resourceIn(list, kind);
      // It may be installed a moment later.
      if (found === undefined) this.#discovered.delete(apiVersion);
      return found;
    } catch (error) {
      this.#discovered.delete(apiVersion);
      throw error;
    }
  }

  async #discover(apiVersion: string, signal: AbortSignal | undefined): Promise<DiscoveryList | undefined> {
    try {
      const doing = `asking what ${apiVersion} has`;
      return await this.request<DiscoveryList>("GET", groupPath(apiVersion), { doing, ...(signal && { signal }) });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  get host(): string {
    return this.#access.server.hostname;
  }

  async exec(
    uid: string,
    command: readonly string[],
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<ExecResult> {
    const pod = await this.#lives(await this.#pods.find(uid), options.signal);
    const [container] = pod?.spec.containers ?? [];
    if (pod === undefined || container === undefined) return { exitCode: 126, output: "the pod is gone" };
    const place = { namespace: this.namespace, pod: pod.metadata.name, container: container.name };
    return execInPod(await this.#access.config(), place, command, options);
  }

  /** The pod if it is there still. A StatefulSet gives the name of one that is gone to the next one. */
  async #lives(pod: Pod | undefined, signal: AbortSignal): Promise<Pod | undefined> {
    if (pod === undefined) return undefined;
    // Listed, as they are for the watch: reading one by its name would need `get` on pods, which nothing else does.
    const fieldSelector = `metadata.name=${pod.metadata.name}`;
    const { items } = await this.list("v1", "Pod", { fieldSelector, signal });
    return (items as readonly Pod[]).find(({ metadata }) => metadata.uid === pod.metadata.uid);
  }

  async addressOf(uid: string): Promise<string | undefined> {
    const pod = await this.#pods.find(uid, ({ status }) => status?.podIP !== undefined);
    return pod?.status?.podIP;
  }

  async close(): Promise<void> {
    this.#access.close();
  }
}
