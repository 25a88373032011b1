/** Metadata of any object, as far as Belay looks at it (API conventions, "Metadata"). */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string | null;
  readonly deletionTimestamp?: string | null;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFields[];
  readonly [key: string]: unknown;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Who owns which fields (server-side apply, "Field management"). */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: "Apply" | "Update";
  readonly subresource?: string;
  readonly [key: string]: unknown;
}

/** Any object of the API. Kept and sent back whole: only what is used is typed. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [key: string]: unknown;
}

/** What names an object for ever, whether it exists or not. */
export interface ObjectKey {
  readonly apiVersion: string;
  readonly kind: string;
  /** None for objects of the whole cluster. */
  readonly namespace?: string;
  readonly name: string;
}

export function keyOf({ apiVersion, kind, metadata }: KubernetesObject): ObjectKey {
  const { name, namespace } = metadata;
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** `deployment/web`, as kubectl writes it. */
export function titleOf({ kind, name }: Pick<ObjectKey, "kind" | "name">): string {
  return `${kind.toLowerCase()}/${name}`;
}
