import type { KubernetesObject } from "../kubernetes-object.ts";

/**
 * A set of fields as the API server writes it (structured-merge-diff, `fieldpath` serialisation v1): `f:name` a field,
 * `k:{…}` an item of a list by its keys, `v:…` a value of a set, `i:0` an index, `.` the thing itself. Nothing inside: a leaf.
 */
export interface FieldsV1 {
  readonly [step: string]: FieldsV1;
}

/** Fields that a manager owns by server-side apply; empty when there are none. */
export function appliedFields(object: KubernetesObject | undefined, manager: string): FieldsV1 {
  const entry = object?.metadata.managedFields?.find(
    (one) => one.manager === manager && one.operation === "Apply" && one.subresource === undefined,
  );
  return (entry?.fieldsV1 as FieldsV1 | undefined) ?? {};
}

/** Fields of either set. */
export function unionOf(a: FieldsV1, b: FieldsV1): FieldsV1 {
  const steps = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(steps.map((step) => [step, unionOf(a[step] ?? {}, b[step] ?? {})]));
}

/** Whether a set has a field, by the names on the way to it. */
export function hasField(fields: FieldsV1, ...names: readonly string[]): boolean {
  let at: FieldsV1 | undefined = fields;
  for (const name of names) at = at?.[`f:${name}`];
  return at !== undefined;
}

/** What an object has of a set of fields, as a body for server-side apply. */
export function projectObject(object: KubernetesObject, fields: FieldsV1): KubernetesObject {
  const { apiVersion, kind, metadata } = object;
  // Nothing inside means a leaf everywhere but here.
  const body = project(object, withSelf(fields)) as Partial<KubernetesObject>;
  const { name, namespace } = metadata;
  return {
    ...body,
    apiVersion,
    kind,
    metadata: { ...body.metadata, name, ...(namespace === undefined ? {} : { namespace }) },
  };
}

function project(value: unknown, fields: FieldsV1): unknown {
  const steps = Object.keys(fields);
  if (steps.length === 0) return value;
  if (Array.isArray(value)) return projectList(value, fields);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const under = fields[`f:${key}`];
    return under === undefined ? [] : [[key, project(inner, under)]];
  });
  return Object.fromEntries(entries);
}

function projectList(list: readonly unknown[], fields: FieldsV1): unknown[] {
  return list.flatMap((item, index) => {
    const byIndex = fields[`i:${index}`];
    if (byIndex !== undefined) return [project(item, byIndex)];
    for (const [step, under] of Object.entries(fields)) {
      if (step.startsWith("v:") && JSON.stringify(JSON.parse(step.slice(2))) === JSON.stringify(item)) return [item];
      const keys = step.startsWith("k:") ? (JSON.parse(step.slice(2)) as Record<string, unknown>) : undefined;
      if (keys !== undefined && hasKeys(item, keys))
        return [{ ...keys, ...(project(item, withSelf(under)) as object) }];
    }
    return [];
  });
}

/** Of what is owned only as such, nothing that others put into it. */
function withSelf(fields: FieldsV1): FieldsV1 {
  return Object.keys(fields).length === 0 ? { ".": {} } : fields;
}

function hasKeys(item: unknown, keys: Readonly<Record<string, unknown>>): boolean {
  if (typeof item !== "object" || item === null) return false;
  return Object.entries(keys).every(([key, value]) => (item as Record<string, unknown>)[key] === value);
}
