import { describe, test, vi } from "vitest";
import { openKubernetesStand } from "../contract/kubernetes-stand.ts";
import { openManifestsStand } from "../contract/manifests-stand.ts";
import type { EngineStand } from "../contract/stand.ts";
import { killedWithin, wokenAtWorker, wokenWithin } from "../contract/stopped-within.ts";
import { Trial } from "../contract/trial.ts";

vi.setConfig({ maxConcurrency: 4, testTimeout: 600_000 });

let count = 0;

/**
 * A runner that is killed or stopped not between two steps (`killSuite`), but amid the changes of one. `comesAndGoes`:
 * workloads are created and removed with releases.
 */
function stoppedSuite(title: string, open: () => Promise<EngineStand>, comesAndGoes: boolean): void {
  const it = test
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
    .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
      const stand = await open();
      onCleanup(() => stand.stop());
      return stand;
    })
    .extend("trial", async ({ stand }, { onCleanup }) => {
      const app = await stand.application(`belay-ks-${process.pid}-${++count}`);
      onCleanup(() => app.remove());
      return new Trial(app);
    });

  describe.concurrent(`${title}: a run that has changed one of two workloads`, () => {
    it("is killed: the old release is put back as a whole", ({ trial }) => killedWithin(trial, "forward"));

    it("is killed on its way back: the old release is put back as a whole", ({ trial }) => killedWithin(trial, "back"));

    it("is stopped, and taken over: woken, it changes nothing more", ({ trial }) => wokenWithin(trial, "forward"));

    it("is stopped on its way back, and taken over: woken, it changes nothing more", ({ trial }) =>
      wokenWithin(trial, "back"));
  });

  if (!comesAndGoes) return;
  describe.concurrent(`${title}: a run that is stopped, and taken over`, () => {
    it("when it is about to create a workload: woken, it creates nothing", ({ trial }) => wokenAtWorker(trial, "add"));

    it("when it is about to remove a workload: woken, it removes nothing", ({ trial }) =>
      wokenAtWorker(trial, "prune"));
  });
}

stoppedSuite("Kubernetes (existing workloads)", openKubernetesStand, false);
stoppedSuite("Kubernetes (manifests)", openManifestsStand, true);
