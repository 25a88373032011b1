import { describe, expect, it } from "vitest";
import { LedgerModel } from "./testing/ledger-model.ts";

const SOAK = process.env.BELAY_SOAK === "1";
const RUNS = SOAK ? 1_000_000 : 10_000;
const PARTS = 10;
/** Worlds that share the event loop's turns, which is faster. They don't know of each other. */
const TOGETHER = 50;
/** `BELAY_SEED=123` runs that one world alone. */
const SEED = process.env.BELAY_SEED;

describe("the ledger's protocol, over random interleavings", () => {
  const parts = SEED === undefined ? Array.from({ length: PARTS }, (_, part) => part) : [0];
  it.each(parts)("keeps its promises (part %i)", { timeout: SOAK ? 36_000_000 : 60_000 }, async (part) => {
    const size = SEED === undefined ? RUNS / PARTS : 1;
    const first = SEED === undefined ? part * size : Number(SEED);
    for (let from = first; from < first + size; from += TOGETHER) {
      const seeds = Array.from({ length: Math.min(TOGETHER, first + size - from) }, (_, index) => from + index);
      const found = await Promise.all(seeds.map(async (seed) => ({ seed, wrong: await new LedgerModel(seed).run() })));
      const bad = found.filter(({ wrong }) => wrong.length > 0);
      expect(bad, `run it alone: BELAY_SEED=${bad[0]?.seed}`).toEqual([]);
    }
  });
});
