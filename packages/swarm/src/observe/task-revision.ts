import { digestOf, shortDigest } from "@belay/core";
import type { TaskSpec } from "@belay/docker";
import { type NetworkNames, normalTask } from "../spec/normal-spec.ts";

/**
 * 12 hexadecimal digits that change when what a task is made of changes: image, command, environment, limits, references
 * to configs and secrets, placement, networks. A service's template and the specs of its tasks are hashed alike, so that
 * this tells tasks of one revision from those of another, whatever their image's digest.
 */
export function taskRevision(spec: TaskSpec, networks: NetworkNames): string {
  return shortDigest(digestOf(normalTask(spec, networks)));
}
