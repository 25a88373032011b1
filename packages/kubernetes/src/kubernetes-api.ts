import type { KubernetesObject, ObjectKey } from "./kubernetes-object.ts";

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Media type of the answer. Default `application/json`. */
  readonly accept?: string;
  /** Milliseconds until the answer must be whole. Default 20,000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** What is being done, for errors: `reading deployment/web`. */
  readonly doing?: string;
}

export interface WriteOptions {
  /** The API server does everything but store it. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes fields over from other managers. */
  readonly force?: boolean;
}

export interface RemoveOptions extends WriteOptions {
  /** Only that very object. */
  readonly uid?: string;
  /** And only as it was then. */
  readonly resourceVersion?: string;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
}

/** One operation of an RFC 6902 patch. */
export interface PatchOperation {
  readonly op: "add" | "remove" | "replace" | "test";
  readonly path: string;
  readonly value?: unknown;
}

export interface ListOptions {
  readonly labelSelector?: string;
  /** `metadata.name=web`. */
  readonly fieldSelector?: string;
  /** Default: the target's; "" for all. */
  readonly namespace?: string;
  /** Names, labels and annotations without the content: what is listed may be large. */
  readonly metadataOnly?: boolean;
  /** What of each object shall be in the list. Default: all. */
  readonly keep?: (object: KubernetesObject) => KubernetesObject;
  readonly signal?: AbortSignal;
}

export interface ResourceList {
  /** `metadata.resourceVersion` of the list: where a watch goes on. */
  readonly resourceVersion: string;
  readonly items: readonly KubernetesObject[];
}

/** What Belay asks of an API server. Everything else in this package goes through it. */
export interface KubernetesApi {
  /** Namespace of the target. */
  readonly namespace: string;
  /** Engine's time: the `Date` header of the last answer and monotonic time since. Milliseconds since 1970. */
  now(): number;
  /** `undefined` when there is no such object (or no such kind). */
  get(key: ObjectKey, signal?: AbortSignal): Promise<KubernetesObject | undefined>;
  /** In the target's namespace; `namespace: ""` for all. */
  list(apiVersion: string, kind: string, options?: ListOptions): Promise<ResourceList>;
  create(object: KubernetesObject, options?: WriteOptions): Promise<KubernetesObject>;
  /** A JSON patch, as field manager `belay`. @throws ApiError 422 `Invalid` when a test does not hold. */
  patch(key: ObjectKey, operations: readonly PatchOperation[], options?: WriteOptions): Promise<KubernetesObject>;
  /** Server-side apply, as field manager `belay`. @throws ApiError 409 `Conflict` with the managers in `details.causes`. */
  apply(object: KubernetesObject, options?: ApplyOptions): Promise<KubernetesObject>;
  /** Removing what is not there is no error. @throws ApiError 409 `Conflict` when it has another `resourceVersion`. */
  remove(key: ObjectKey, options?: RemoveOptions): Promise<void>;
  /** SelfSubjectAccessReview: whether the user of the kubeconfig may do this. */
  may(access: Access): Promise<boolean>;
  /** Anything else. `path` begins with `/`; the answer is JSON. */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T>;
  /** The same for text: logs. */
  text(path: string, options?: RequestOptions): Promise<string>;
  /**
   * Changes of all objects of a kind in the target's namespace after `resourceVersion`, until the signal aborts or the server
   * ends the stream, which it does now and then. Resolves when the stream is open.
   * @throws ApiError 410, also amid the stream, when that version is too old: list again.
   */
  watch(
    apiVersion: string,
    kind: string,
    resourceVersion: string,
    signal: AbortSignal,
    options?: WatchOptions,
  ): Promise<AsyncIterable<WatchEvent>>;
}

export type WatchOptions = Pick<ListOptions, "fieldSelector" | "metadataOnly">;

export interface WatchEvent {
  /** A `BOOKMARK` only tells a newer resourceVersion. */
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: KubernetesObject;
}

export interface Access {
  readonly verb: string;
  /** `""` for the core group. */
  readonly group: string;
  /** Plural: `deployments`. */
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
}
