import { rollback } from "@belay/rollout";
import { makeBaseImages, makeProxyImages, requestLoop, waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "../contract/policy.ts";
import { FAREWELL_S, gracefulImages } from "./graceful-images.ts";
import { type FrontProxy, makeFrontNetwork, SWARM_PROXIES, startProxy } from "./swarm-proxies.ts";
import { it, type Shop } from "./swarm-services.ts";

/** Three tasks in a network of their own, and a proxy in front of them. Where it answers. */
async function openBehind(shop: Shop, proxy: FrontProxy): Promise<string> {
  const { project } = shop.scope;
  const network = await makeFrontNetwork(shop.engine, project);
  const rules = ["--update-order", "start-first", "--stop-grace-period", `${FAREWELL_S + 20}s`];
  await shop.create("good1", ["--replicas", "3", "--network", network, ...rules]);
  return startProxy(shop.engine, { project, service: shop.name() }, proxy);
}

async function isAnswered(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    return false;
  }
}

describe("requests, 200 a second, during good releases, bad ones and a way back by hand", () => {
  it.for(Object.entries(SWARM_PROXIES))(
    "are not lost behind %s",
    { timeout: 600_000 },
    async ([name, proxy], { shop }) => {
      await makeBaseImages(shop.engine);
      await makeProxyImages(shop.engine);
      shop.images = gracefulImages(shop.engine, shop.images);
      const url = await openBehind(shop, proxy);
      await waitUntil("the proxy answers", () => isAnswered(url), { withinMs: 90_000, everyMs: 200 });
      const loop = requestLoop({ url, perSecond: 200, timeoutMs: 60_000 });
      const good = await shop.deploy({ web: "good2" });
      const crash = await shop.deploy({ web: "crash" });
      const sick = await shop.deploy({ web: "unhealthy" });
      const better = await shop.deploy({ web: "good3" });
      const back = await rollback({ to: "previous", policy: POLICY }, shop.ports(await shop.target()));
      const { sent } = loop.counts();
      await waitUntil("two more seconds of requests", () => loop.counts().sent > sent + 400, { withinMs: 60_000 });
      const { lost, lostBecause, lostAtMs, ...requests } = await loop.stop();
      console.info(`${name}: ${lost} of ${requests.sent} lost, ${JSON.stringify(requests)}`);
      expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
      expect(crash, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
      expect(sick, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
      expect(better, shop.log.text()).toMatchObject({ outcome: "succeeded" });
      expect(back, shop.log.text()).toMatchObject({ outcome: "succeeded" });
      expect({ lost, lostBecause, lostAtMs }).toEqual({ lost: 0, lostBecause: {}, lostAtMs: [] });
      expect(requests.ok).toBeGreaterThan(400);
      expect(Object.keys(requests.byVersion).sort()).toEqual(["good1", "good2", "good3"]);
    },
  );
});
