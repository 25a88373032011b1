/** A service, and the names of those that must be right before it changes. */
interface Dependent {
  readonly service: string;
  readonly dependsOn: readonly string[];
}

/**
 * Dependencies before what depends on them, otherwise as given. A circle is cut where it closes, so that its first member in the
 * given order comes last of it; whether circles are an error is for the target to say.
 */
export function dependencyOrder<T extends Dependent>(services: readonly T[]): T[] {
  const byName = new Map(services.map((one) => [one.service, one]));
  const ordered = new Set<T>();
  const visited = new Set<T>();
  const visit = (one: T): void => {
    if (visited.has(one)) return;
    visited.add(one);
    for (const dependency of one.dependsOn) {
      const next = byName.get(dependency);
      if (next !== undefined) visit(next);
    }
    ordered.add(one);
  };
  for (const one of services) visit(one);
  return [...ordered];
}

/** Services in {@link dependencyOrder}, in levels that can be carried out one after the other. */
export function dependencyLevels<T extends Dependent>(services: readonly T[]): T[][] {
  const depth = new Map<string, number>();
  const levels: T[][] = [];
  for (const one of services) {
    const level = Math.max(-1, ...one.dependsOn.map((name) => depth.get(name) ?? -1)) + 1;
    depth.set(one.service, level);
    levels[level] = [...(levels[level] ?? []), one];
  }
  return levels;
}
