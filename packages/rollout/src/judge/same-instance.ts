import type { ContainerState, Instance } from "@belay/core";
import { isSameList } from "./same-list.ts";

/** Whether two looks show the same of an instance, in all that the judge asks for. An object that was kept is not looked into. */
export function isSameInstance(one: Instance, other: Instance): boolean {
  return (
    one === other ||
    (one.id === other.id && one.slot === other.slot && one.title === other.title && isSameState(one, other))
  );
}

/** The same whatever it is called, which is asked only of one that has something to tell. */
export function isSameState(one: Instance, other: Instance): boolean {
  return (
    one.ready === other.ready &&
    one.phase === other.phase &&
    one.revision === other.revision &&
    one.endedBy === other.endedBy &&
    isSameList(one.containers, other.containers, isSameContainer)
  );
}

function isSameContainer(one: ContainerState, other: ContainerState): boolean {
  return (
    one.name === other.name &&
    one.state === other.state &&
    one.health === other.health &&
    one.restarts === other.restarts &&
    one.reason === other.reason &&
    one.message === other.message &&
    one.role === other.role &&
    isSameExit(one.lastExit, other.lastExit)
  );
}

type Exit = ContainerState["lastExit"];

function isSameExit(one: Exit, other: Exit): boolean {
  return (
    one === other ||
    (one !== undefined &&
      other !== undefined &&
      one.code === other.code &&
      one.oomKilled === other.oomKilled &&
      one.at === other.at &&
      one.error === other.error &&
      one.killedBy === other.killedBy)
  );
}
