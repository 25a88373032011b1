/** Who waits for whom, without cycles, and the edges that had to be left out for that. */
export interface ServiceOrder {
  /** All that each service waits for, directly and through others. */
  readonly waitsFor: ReadonlyMap<string, readonly string[]>;
  /** `web → db`: `depends_on` that leads in a circle. */
  readonly circles: readonly string[];
}

/**
 * Swarm itself ignores `depends_on`; Belay keeps to it. A circle, which docker's stack commands accept, is cut at the edge
 * that closes it.
 */
export function orderServices(dependsOn: Readonly<Record<string, readonly string[]>>): ServiceOrder {
  const waitsFor = new Map<string, readonly string[]>();
  const circles: string[] = [];
  const visit = (name: string, path: readonly string[]): readonly string[] => {
    const known = waitsFor.get(name);
    if (known !== undefined) return known;
    const all = (dependsOn[name] ?? []).flatMap((next) => {
      if (dependsOn[next] === undefined) return [];
      if (next === name || path.includes(next)) {
        circles.push(`${name} → ${next}`);
        return [];
      }
      return [next, ...visit(next, [...path, name])];
    });
    const unique = [...new Set(all)];
    waitsFor.set(name, unique);
    return unique;
  };
  for (const name of Object.keys(dependsOn)) visit(name, []);
  return { waitsFor, circles };
}
