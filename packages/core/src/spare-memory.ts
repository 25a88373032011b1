import { setFlagsFromString } from "node:v8";

/** Some ten megabytes of an engine's objects: below that, the heap that V8 takes by itself is small enough. */
const MANY = 2_000;

let spares = false;

/**
 * To be told of how many objects an engine's list has so far. Once there are many, V8 is asked to keep the heap of this process
 * small, for as long as it runs: of a large machine it would take several times what a fleet needs before it looks for
 * garbage, and a runner does other work too. Costs processor time, so small fleets go without. `--memory-saver-mode` is read
 * at each collection (V8, `Isolate::MemorySaverModeEnabled`), so it may come late; Node lets flags be changed by
 * `v8.setFlagsFromString`.
 */
export function spareMemory(objects: number, setFlags: (flags: string) => void = setFlagsFromString): void {
  if (spares || objects < MANY) return;
  spares = true;
  setFlags("--memory-saver-mode");
}
