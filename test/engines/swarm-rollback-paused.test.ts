import { waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import { it, type Shop } from "./swarm-services.ts";

/**
 * By the engine's own means: what ran ends at once whenever it is started, and so does what a person puts in its place. The
 * engine rolls back, and that fails as well.
 *
 * What ends just as the spec changes is made again by the new one, and is watched by nobody. So what ended is started again only
 * when all is over, each change waits until all has ended, and the first one of two to end does not make the engine roll back.
 */
async function leaveRollbackPaused(shop: Shop): Promise<void> {
  const back = ["--rollback-failure-action", "pause", "--rollback-monitor", "60s"];
  await shop.create("good1", ["--replicas", "2", "--restart-delay", "180s", ...back]);
  const update = async (state: string, more: readonly string[]): Promise<void> => {
    await shop.engine.docker(["service", "update", "--detach", "--no-resolve-image", ...more, shop.name()]);
    const isOver = async (): Promise<boolean> => {
      const tasks = await shop.docker.tasks.list({ filters: { service: [shop.name()] } });
      const allEnded = tasks.every(({ DesiredState }) => DesiredState !== "running");
      return allEnded && (await shop.inspect()).UpdateStatus?.State === state;
    };
    await waitUntil(`the update is ${state}, and nothing runs`, isOver, { withinMs: 90_000 });
  };
  const kept = ["--update-failure-action", "continue", "--update-monitor", "1ms"];
  await update("completed", ["--image", await shop.pin("exits"), ...kept]);
  const watched = ["--update-failure-action", "rollback", "--update-monitor", "60s"];
  await update("rollback_paused", ["--env-add", "HAND=made", ...watched, "--update-max-failure-ratio", "0.5"]);
}

it("a good release is taken over an update of the engine's whose way back has failed, too", async ({ shop }) => {
  await leaveRollbackPaused(shop);
  const good = await shop.deploy({ web: "good2" });
  expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 2 }] } });
  expect(await shop.running()).toEqual([await shop.pin("good2"), await shop.pin("good2")]);
  expect((await shop.inspect()).UpdateStatus?.State).not.toBe("rollback_paused");
  expect(await shop.deploy({ web: "good2" })).toMatchObject({ outcome: "unchanged" });
});
