import { spareMemory } from "@belay/core";
import type { ResourceList } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";

/** One answer to a list with `limit` (API concepts, "Retrieving large results sets in chunks"). */
export interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubernetesObject[] | null;
}

/** All pages of a list. They show one moment, whose resourceVersion each of them names. `ask`: for the page at a place. */
export async function readPages(
  ask: (place: string | undefined) => Promise<Page>,
  take: (item: KubernetesObject) => KubernetesObject,
): Promise<ResourceList> {
  const items: KubernetesObject[] = [];
  let place: string | undefined;
  for (;;) {
    const { metadata, items: members } = await ask(place);
    for (const item of members ?? []) spareMemory(items.push(take(item)));
    place = metadata.continue || undefined;
    if (place === undefined) return { resourceVersion: metadata.resourceVersion, items };
  }
}
