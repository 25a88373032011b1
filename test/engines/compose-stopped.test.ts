import { describe, test, vi } from "vitest";
import { openComposeStand } from "../contract/compose-stand.ts";
import { Trial } from "../contract/trial.ts";
import {
  createdAfterRecovery,
  wokenBeforeCreation,
  wokenBetweenStops,
  wokenInDrain,
  wokenInRecovery,
} from "../contract/woken-on-compose.ts";

vi.setConfig({ maxConcurrency: 4, testTimeout: 600_000 });

let count = 0;

const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
  .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
    const stand = await openComposeStand();
    onCleanup(() => stand.stop());
    return stand;
  })
  .extend("trial", async ({ stand }, { onCleanup }) => {
    const app = await stand.application(`belay-cs-${process.pid}-${++count}`);
    onCleanup(() => app.remove());
    return new Trial(app);
  });

/* Plain Docker refuses nothing that comes late, so that it must not be sent. */

describe.concurrent("a run that is stopped within a step, and taken over: woken, it changes nothing more", () => {
  it("in the pause before the old containers are stopped", ({ trial }) => wokenInDrain(trial));

  it("when one of two old containers is stopped", ({ trial }) => wokenBetweenStops(trial));

  it("just before the new containers are made", ({ trial }) => wokenBeforeCreation(trial));

  it("when it recovers, and has started one of two old containers", ({ trial }) => wokenInRecovery(trial));
});

describe.concurrent("a run that is killed while compose makes its containers", () => {
  it("leaves a compose that does no harm", ({ trial }) => createdAfterRecovery(trial));
});
