import type { Marks } from "../desired.ts";
import type { PatchOperation } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { isMark } from "../marks.ts";

type Texts = Readonly<Record<string, string>>;

/**
 * Operations that put marks on an object's metadata. `exactly`: marks that are not among them go. Others' labels and
 * annotations are never touched.
 */
export function markOperations(
  live: KubernetesObject,
  marks: Marks,
  { exactly = false }: { readonly exactly?: boolean } = {},
): PatchOperation[] {
  return (["labels", "annotations"] as const).flatMap((place) => {
    const there: Texts = live.metadata[place] ?? {};
    const wanted = marks[place];
    const set = Object.entries(wanted).filter(([name, value]) => there[name] !== value);
    const drop = exactly ? Object.keys(there).filter((name) => isMark(name) && wanted[name] === undefined) : [];
    const path = `/metadata/${place}`;
    return [
      ...(live.metadata[place] === undefined && set.length > 0 ? [{ op: "add" as const, path, value: {} }] : []),
      ...set.map(([name, value]) => ({ op: "add" as const, path: `${path}/${pointer(name)}`, value })),
      ...drop.map((name) => ({ op: "remove" as const, path: `${path}/${pointer(name)}` })),
    ];
  });
}

/** Marks that an object carried, with others on top. */
export function restoredMarks(was: KubernetesObject, marks: Marks): Marks {
  const own = (texts: Texts | undefined): Texts =>
    Object.fromEntries(Object.entries(texts ?? {}).filter(([name]) => isMark(name)));
  return {
    labels: { ...own(was.metadata.labels), ...marks.labels },
    annotations: { ...own(was.metadata.annotations), ...marks.annotations },
  };
}

/** RFC 6901: `~` and `/` in a name. */
function pointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** What is kept for the way back: what the API server writes by itself goes. */
export function trimmed(object: KubernetesObject): KubernetesObject {
  const { status, ...kept } = object;
  const { managedFields, ...metadata } = kept.metadata;
  return { ...kept, metadata } as KubernetesObject;
}

/** The object as a person would create it again: without what only the old one had. */
export function bareObject(was: KubernetesObject): KubernetesObject {
  const { uid, resourceVersion, generation, creationTimestamp, ...metadata } = trimmed(was).metadata;
  const { "deployment.kubernetes.io/revision": _, ...annotations } = metadata.annotations ?? {};
  return { ...was, status: undefined, metadata: { ...metadata, annotations } } as KubernetesObject;
}
