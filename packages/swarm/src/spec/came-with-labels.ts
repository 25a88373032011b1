import type { Service } from "@belay/docker";
import { readLabels } from "./service-labels.ts";

/**
 * The spec in force came together with Belay's labels that it has, so that Belay wrote it, whatever the engine has made of it
 * since. A person's change leaves the labels as they were in the spec before (swarmkit keeps that as `PreviousSpec`).
 */
export function cameWithLabels({ Spec, PreviousSpec }: Pick<Service, "Spec" | "PreviousSpec">): boolean {
  const own = readLabels(Spec);
  const before = PreviousSpec == null ? {} : readLabels(PreviousSpec);
  return own.scope !== undefined && (own.deployment !== before.deployment || own.revision !== before.revision);
}
