import { LedgerModel } from "./ledger-model.ts";

export interface BadWorld {
  readonly seed: number;
  readonly wrong: readonly string[];
}

/** Worlds that share the event loop's turns, which is faster. They don't know of each other. */
export const TOGETHER = 50;

/** Runs the model in `size` worlds, from seed `first` on; the worlds of the first batch in which a promise was broken. */
export async function worldsThatFail(first: number, size: number): Promise<readonly BadWorld[]> {
  for (let from = first; from < first + size; from += TOGETHER) {
    const seeds = Array.from({ length: Math.min(TOGETHER, first + size - from) }, (_, index) => from + index);
    const found = await Promise.all(seeds.map(async (seed) => ({ seed, wrong: await new LedgerModel(seed).run() })));
    const bad = found.filter(({ wrong }) => wrong.length > 0);
    if (bad.length > 0) return bad;
  }
  return [];
}
