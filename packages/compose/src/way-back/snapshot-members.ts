import type { ContainerInspect } from "@belay/docker";
import { type ComposeContainer, containerOf, isSound } from "../containers/compose-container.ts";
import type { ServiceSnapshot, Snapshot } from "./snapshot.ts";

/** The engine takes a container that has run for so long for recovered, and starts its waits anew (moby, restartmanager). */
const SETTLED_MS = 10_000;

/** The containers of a service that were as they should be before the first change. */
export function soundOnes(service: ServiceSnapshot, at: Snapshot["at"]): readonly ContainerInspect[] {
  return service.containers.filter(({ State, RestartCount }) => {
    // A container that crashes again and again is seen running now and then.
    const looping = RestartCount > 0 && at !== undefined && at - Date.parse(State.StartedAt) < SETTLED_MS;
    return isSound(State, service.goal) && !(service.goal === "run" && looping);
  });
}

/** The container that stands for its service: the youngest that was as it should be. */
export function sampleOf(service: ServiceSnapshot, at: Snapshot["at"]): ContainerInspect | undefined {
  return soundOnes(service, at).at(-1) ?? service.containers.at(-1);
}

/**
 * What the way back makes sure of: the sound ones. Where none was, those that ran in spite of that (unhealthy ones may
 * still answer), but nothing is expected of them.
 */
export function worthRestoring(service: ServiceSnapshot, at: Snapshot["at"]): ReadonlySet<string> {
  const sound = soundOnes(service, at);
  const running = service.containers.filter(
    ({ State }) => service.goal === "run" && State.Running && !State.Restarting,
  );
  return new Set((sound.length > 0 ? sound : running).map(({ Id }) => Id));
}

/** The container itself, or the one that an earlier restoration made in its place. */
export function counterpart(
  was: ContainerInspect,
  containers: readonly ComposeContainer[],
): ComposeContainer | undefined {
  const old = containerOf(was);
  return (
    containers.find((one) => one.id === old.id) ??
    containers.find((one) => one.name === old.name && one.revision === old.revision && one.service === old.service)
  );
}

/**
 * The containers of a service as the judge of a restoration has to see them. Who belongs to the snapshot is right, of
 * whatever revision: a person or a kept deployment may have left several. Who was ill before is no matter of the judge's.
 */
export function asRestored(
  containers: readonly ComposeContainer[],
  service: ServiceSnapshot,
  at: Snapshot["at"],
  revision: string,
): ComposeContainer[] {
  const sound = new Set(soundOnes(service, at).map(({ Id }) => Id));
  const members = new Map(service.containers.map((was) => [counterpart(was, containers)?.id, sound.has(was.Id)]));
  return containers.flatMap((one) => {
    const wasSound = members.get(one.id);
    if (wasSound === undefined) return [one];
    return wasSound ? [{ ...one, revision }] : [];
  });
}

/**
 * The containers of a service as a restoration's read-back shows them: the sound ones of the snapshot are of one revision,
 * as they were for the judge. Nothing is left out: what a person is told of is all that runs.
 */
export function asReadBack(
  containers: readonly ComposeContainer[],
  service: ServiceSnapshot,
  at: Snapshot["at"],
): ComposeContainer[] {
  const sample = sampleOf(service, at);
  if (sample === undefined) return [...containers];
  const { revision } = containerOf(sample);
  const sound = new Set(soundOnes(service, at).map((was) => counterpart(was, containers)?.id));
  return containers.map((one) => (sound.has(one.id) ? { ...one, revision } : one));
}
