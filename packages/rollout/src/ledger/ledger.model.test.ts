import { describe, expect, it } from "vitest";
import { FLAWS } from "../testing/flaw.ts";
import { LedgerModel } from "../testing/ledger-model.ts";
import { TOGETHER, worldsThatFail } from "../testing/worlds-that-fail.ts";

const RUNS = 10_000;
const PARTS = 10;
/** `BELAY_SEED=123` runs that one world alone. */
const SEED = process.env.BELAY_SEED;
const TIMEOUT_MS = 600_000;

describe("the ledger's protocol, over random interleavings", () => {
  const parts = SEED === undefined ? Array.from({ length: PARTS }, (_, part) => part) : [0];
  it.each(parts)("keeps its promises (part %i)", { timeout: TIMEOUT_MS }, async (part) => {
    const size = SEED === undefined ? RUNS / PARTS : 1;
    const first = SEED === undefined ? part * size : Number(SEED);
    const bad = await worldsThatFail(first, size);
    expect(bad, `run it alone: BELAY_SEED=${bad[0]?.seed}`).toEqual([]);
  });
});

describe("the model can fail", () => {
  it.each(FLAWS)("finds that %s", { timeout: TIMEOUT_MS }, async (flaw) => {
    for (let from = 0; from < 2_000; from += TOGETHER) {
      const seeds = Array.from({ length: TOGETHER }, (_, index) => from + index);
      const found = await Promise.all(seeds.map((seed) => new LedgerModel(seed, flaw).run()));
      if (found.some((wrong) => wrong.length > 0)) return;
    }
    expect.fail(`2,000 worlds and nobody noticed that ${flaw}`);
  });
});
