import { describe, test, vi } from "vitest";
import { killedAtChange, killedAtChangeThenNext, wokenAtChange } from "../contract/stopped-at-change.ts";
import { wokenAtWorker } from "../contract/stopped-within.ts";
import { openSwarmStand } from "../contract/swarm-stand.ts";
import { Trial } from "../contract/trial.ts";

vi.setConfig({ maxConcurrency: 4, testTimeout: 600_000 });

let count = 0;

const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
  .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
    const stand = await openSwarmStand();
    onCleanup(() => stand.stop());
    return stand;
  })
  .extend("trial", async ({ stand }, { onCleanup }) => {
    const app = await stand.application(`belay-ws-${process.pid}-${++count}`);
    onCleanup(() => app.remove());
    return new Trial(app);
  });

/* Not between two steps (`killSuite`), but amid the changes of one: each of them is a request of its own to the manager. */

describe.concurrent("a run that is killed when the engine has made one of its changes, and it does not know", () => {
  it("one of two services is new: the old release is put back as a whole", ({ trial }) =>
    killedAtChange(trial, { way: "forward", nth: 1, where: "after" }));

  it("both services are new: the next release comes", ({ trial }) =>
    killedAtChangeThenNext(trial, { way: "forward", nth: 2, where: "after" }));

  it("one of two services is old again: the old release is put back as a whole", ({ trial }) =>
    killedAtChange(trial, { way: "back", nth: 1, where: "after" }));

  it("both services are old again: the next release comes", ({ trial }) =>
    killedAtChangeThenNext(trial, { way: "back", nth: 2, where: "after" }));

  it("its network and one of two services are created for the first time: nothing stays", ({ trial }) =>
    killedAtChange(trial, { way: "first", nth: 2, where: "after" }));

  it("a service that the release no longer has is removed: it comes back with the others", ({ trial }) =>
    killedAtChange(trial, { way: "prune", nth: 1, where: "after" }));
});

describe.concurrent("a run that is stopped, and taken over", () => {
  it("when one of two services is new: woken, it changes nothing more", ({ trial }) =>
    wokenAtChange(trial, { way: "forward", nth: 1, where: "after" }, "deploy"));

  it("when its second change is on its way: the engine refuses it, and woken it changes nothing more", ({ trial }) =>
    wokenAtChange(trial, { way: "forward", nth: 2, where: "before" }, "recover"));

  it("when one of two services is old again: woken, it changes nothing more", ({ trial }) =>
    wokenAtChange(trial, { way: "back", nth: 1, where: "after" }, "recover"));

  it("when it is about to remove a service: woken, it removes nothing", ({ trial }) => wokenAtWorker(trial, "prune"));

  it("when it is about to create a service: woken, it creates nothing", ({ trial }) => wokenAtWorker(trial, "add"));

  it("when its second change on the way back is on its way: the engine refuses it", ({ trial }) =>
    wokenAtChange(trial, { way: "back", nth: 2, where: "before" }, "deploy"));
});
