import { perObject } from "@belay/core";
import type { KubernetesObject, ObjectKey } from "../kubernetes-object.ts";
import type { NamespaceView } from "./namespace-watch.ts";
import type { PodEvent } from "./pod.ts";

type Objects = readonly KubernetesObject[];

/**
 * The objects of a view by what one looks for. Each list is sorted once, however many services ask, and not again while it
 * is the same list.
 */
export const viewIndex = {
  named: (view: NamespaceView, kind: string, name: string): KubernetesObject | undefined =>
    byName(listOf(view, kind)).get(name),
  /** Objects of a kind whose controller is of this kind and name. */
  controlledBy: (view: NamespaceView, kind: string, owner: Pick<ObjectKey, "kind" | "name">): Objects =>
    byController(listOf(view, kind)).get(`${owner.kind}/${owner.name}`) ?? NONE,
  /** The same by the controller's uid. */
  controlledByUid: (view: NamespaceView, kind: string, uid: string | undefined): Objects =>
    byControllerUid(listOf(view, kind)).get(uid ?? "") ?? NONE,
  /** Events that speak of the object with this uid, in the order of the list. */
  eventsOf: (view: NamespaceView, uid: string | undefined): readonly PodEvent[] =>
    (byInvolved(listOf(view, "Event")).get(uid ?? "") ?? NONE) as readonly PodEvent[],
} as const;

const NONE: Objects = [];

function listOf(view: NamespaceView, kind: string): Objects {
  return view.get(kind) ?? NONE;
}

const byName = perObject((list: Objects) => new Map(list.map((one) => [one.metadata.name, one])));

const byController = perObject((list: Objects) =>
  Map.groupBy(list, (one) => {
    const controller = controllerOf(one);
    return controller === undefined ? "" : `${controller.kind}/${controller.name}`;
  }),
);

const byControllerUid = perObject((list: Objects) => Map.groupBy(list, (one) => controllerOf(one)?.uid ?? ""));

const byInvolved = perObject((list: Objects) => Map.groupBy(list, (one) => (one as PodEvent).involvedObject.uid ?? ""));

/** An object has one at most (API conventions; the API server sees to it). */
function controllerOf({ metadata }: KubernetesObject) {
  return metadata.ownerReferences?.find(({ controller }) => controller);
}
