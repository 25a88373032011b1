import { describe, expect } from "vitest";
import { it } from "./swarm-services.ts";

/* No traffic goes through virtual addresses here: that would need IPVS in the kernel. A rollout needs nothing of it. */

describe.concurrent("services of the mode vip, Swarm's default", () => {
  it.for([
    ["in no network", 0],
    ["with an address in a network of the swarm", 1],
  ] as const)("stay so on both ways, %s", async ([, addresses], { shop }) => {
    const networks = addresses === 0 ? [] : ["--network", await shop.createNetwork()];
    const usual = ["--endpoint-mode", "vip", "--replicas", "2", "--update-order", "start-first"];
    await shop.create("good1", [...usual, ...networks]);
    const before = await shop.endpoint();
    expect(before.VirtualIPs ?? []).toHaveLength(addresses);
    const good = await shop.deploy({ web: "good2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 2 }] } });
    const after = (await shop.inspect()).Spec;
    expect(after.EndpointSpec).toEqual({ Mode: "vip" });
    expect(await shop.endpoint()).toEqual(before);
    const bad = await shop.deploy({ web: "crash" });
    const cause = { cause: "crash_loop", service: "web" };
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause });
    expect((await shop.inspect()).Spec).toEqual(after);
    expect(await shop.endpoint()).toEqual(before);
    expect(await shop.running()).toEqual([await shop.pin("good2"), await shop.pin("good2")]);
  });
});
