import { BelayError, type Scope } from "@belay/core";
import type { Marks } from "./desired.ts";
import { type KubernetesObject, keyOf, titleOf } from "./kubernetes-object.ts";
import { deploymentOf, KUBERNETES_ANNOTATIONS, KUBERNETES_LABELS } from "./marks.ts";

/**
 * Refuses to change what a later deployment has changed or put back: this run was taken over. Asked of everything that is
 * read on the way to a change. `marks`: what this run is about to write, with its number. `before`: the object as this run
 * knows it from an earlier look; a mark that it had then is nobody's news.
 * @throws BelayError FENCED
 */
export function checkFence(
  live: KubernetesObject | undefined,
  scope: Scope,
  marks: Marks,
  before: KubernetesObject | undefined,
): void {
  const own = Number(
    marks.labels[KUBERNETES_LABELS.deployment] ?? marks.annotations[KUBERNETES_ANNOTATIONS.restoredBy],
  );
  if (live === undefined) return;
  const restored = restorerOf(live);
  const later = [deploymentOf(live, scope), restored === restorerOf(before) ? undefined : restored];
  const there = later.find((number) => number !== undefined && number > own);
  if (there === undefined) return;
  throw new BelayError("FENCED", {
    doing: `changing ${titleOf(keyOf(live))} for deployment ${own}`,
    got: `deployment ${there} has changed it`,
    next: "Another run took over; see its report.",
  });
}

/** What is put back carries the labels that it had before, and the number of who did it beside them. */
function restorerOf(object: KubernetesObject | undefined): number | undefined {
  const text = object?.metadata.annotations?.[KUBERNETES_ANNOTATIONS.restoredBy];
  return text === undefined ? undefined : Number(text);
}
