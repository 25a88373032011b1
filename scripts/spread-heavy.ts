import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that keep the processors busy by themselves, with several engines' worth of runs at once. */
const HEAVY = /(?:-kill|-contract|\/injection)\.test\.ts$/;

/**
 * Spreads the files that are busy among those that mostly wait, so that one of either kind runs at a time. By vitest's own
 * order, by size, the busy ones (small files that call a suite) would all come last and stand in each other's way.
 */
export class SpreadHeavy extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    // Each project runs by itself.
    const projects = Map.groupBy(sorted, ({ project }) => project.name);
    return [...projects.values()].flatMap((own) => spread(own, ({ moduleId }) => HEAVY.test(moduleId)));
  }
}

/** The same elements: those that are `rare` at even distances among the others, the first of them first. */
export function spread<T>(all: readonly T[], rare: (one: T) => boolean): T[] {
  const few = all.filter(rare);
  const others = all.filter((one) => !rare(one));
  const distance = others.length / few.length;
  const after = (index: number): number => Math.floor(index * distance);
  return few.length === 0
    ? others
    : few.flatMap((one, index) => [one, ...others.slice(after(index), after(index + 1))]);
}
