import { requestLoop, waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import { gracefulWorkload } from "./graceful-workload.ts";
import { it } from "./kubernetes-space.ts";

it("no request is lost while good releases, bad ones, and an earlier one again take over", async ({ shop }) => {
  const url = await gracefulWorkload(shop, await shop.image("good1"));
  const answers = async (): Promise<boolean> => {
    try {
      return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
    } catch {
      return false;
    }
  };
  await waitUntil("the Service answers", answers, { withinMs: 60_000, everyMs: 200 });
  const loop = requestLoop({ url, perSecond: 200, timeoutMs: 20_000 });
  const first = await shop.deploy({ web: "web" }, { web: "good2" });
  const good = await shop.deploy({ web: "web" }, { web: "good3" });
  const bad = await shop.deploy({ web: "web" }, { web: "exits" });
  const ill = await shop.deploy({ web: "web" }, { web: "unhealthy" });
  const back = await shop.rollback({ web: "web" }, "previous");
  const { sent } = loop.counts();
  await waitUntil("two more seconds of requests", () => loop.counts().sent > sent + 400, { withinMs: 60_000 });
  const { lost, lostBecause, lostAtMs, ok, byVersion } = await loop.stop();
  expect(first, shop.log.text()).toMatchObject({ outcome: "succeeded" });
  expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
  expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
  expect(ill, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
  expect(back, shop.log.text()).toMatchObject({ outcome: "succeeded" });
  expect({ lost, lostBecause, lostAtMs }).toEqual({ lost: 0, lostBecause: {}, lostAtMs: [] });
  expect(ok).toBeGreaterThan(400);
  expect(Object.keys(byVersion).sort()).toEqual(["good1", "good2", "good3"]);
});
