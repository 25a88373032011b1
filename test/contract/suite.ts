import { describe, expect, test, vi } from "vitest";
import { ResultBook } from "./results.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { EngineStand } from "./stand.ts";
import { Trial } from "./trial.ts";

let count = 0;

/**
 * Every scenario on one engine, several applications side by side. What the engine can't do is told by its reason; all the
 * rest must pass, with the outside observer's word at the end of each.
 */
export function contractSuite(title: string, open: () => Promise<EngineStand>): void {
  // They wait most of the time, but too many health checks at once make a small machine late.
  vi.setConfig({ maxConcurrency: 4, testTimeout: 600_000 });
  const it = test
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
    .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
      const stand = await open();
      onCleanup(() => stand.stop());
      return stand;
    })
    .extend("book", { scope: "file" }, async ({ stand }, { onCleanup }) => {
      const book = new ResultBook();
      onCleanup(() => book.close(stand, "scenarios"));
      return book;
    });

  describe.concurrent(title, () => {
    it.for(SCENARIOS)("$name", async (scenario, { stand, book }) => {
      const reason = stand.impossible[scenario.name];
      if (reason !== undefined) {
        book.noteImpossible(scenario.name, reason);
        return expect(reason).not.toBe("");
      }
      const app = await stand.application(`belay-ct-${process.pid}-${++count}`);
      try {
        const trial = new Trial(app);
        const result = await scenario.run(trial);
        book.note(scenario.name, result, trial.lastMs);
      } finally {
        await app.remove();
      }
    });
  });
}
