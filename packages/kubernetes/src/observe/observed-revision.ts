import { perObject } from "@belay/core";
import { type PodTemplate, revisionOf } from "../workload.ts";

/** {@link revisionOf} a template as the API server showed it, which nobody changes: hashed once. */
export const observedRevision: (template: PodTemplate) => string = perObject(revisionOf);
