import { type Log, mapBounded } from "@belay/core";
import type { Chosen } from "./check-services.ts";

export interface SideBySide {
  readonly log: Log;
  readonly maxParallel: number;
  readonly signal?: AbortSignal;
}

/** What became of a service's build. */
type End = "built" | "failed" | "stopped";

/**
 * Builds services side by side, each in a group of the log, at most `maxParallel` at a time. The first failure ends the other
 * builds, since nothing of this release will be used, and the log says what became of each of them.
 */
export async function buildSideBySide<T>(
  services: Chosen,
  { log, maxParallel, signal }: SideBySide,
  build: (service: Chosen[number], signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const ends = new Map<string, End>();
  const work = async (service: Chosen[number], stopped: AbortSignal): Promise<T> => {
    const [name] = service;
    try {
      const built = await log.group(`Building ${name}`, () => build(service, stopped), { overlap: true });
      ends.set(name, "built");
      return built;
    } catch (error) {
      ends.set(name, stopped.aborted && error === stopped.reason ? "stopped" : "failed");
      throw error;
    }
  };
  try {
    return await mapBounded(services, maxParallel, signal, work);
  } catch (error) {
    if (services.length > 1) log.info(describeEnds(services, ends));
    throw error;
  }
}

/** `Failed: worker. Built: api. Stopped for that: mail. Not begun: web.` */
function describeEnds(services: Chosen, ends: ReadonlyMap<string, End>): string {
  const named = (title: string, end: End | undefined): string[] => {
    const names = services.map(([name]) => name).filter((name) => ends.get(name) === end);
    return names.length === 0 ? [] : [`${title}: ${names.join(", ")}.`];
  };
  return [
    ...named("Failed", "failed"),
    ...named("Built", "built"),
    ...named("Stopped before its end", "stopped"),
    ...named("Not begun", undefined),
  ].join(" ");
}
