import { BelayError, systemClock } from "@belay/core";
import type { Docker } from "@belay/docker";
import { ConfigRecordStore, createSwarmTarget } from "@belay/swarm";
import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { it } from "./swarm-services.ts";

describe.concurrent("records in configs of a swarm", () => {
  it("have one winner, whoever asks", async ({ shop }) => {
    const stores = Array.from({ length: 8 }, () => new ConfigRecordStore(shop.docker, shop.scope));
    const text = (number: number): Uint8Array => new TextEncoder().encode(`caller ${number}`);
    for (let round = 0; round < 5; round++) {
      const name = `${round}.begin`;
      const answers = await Promise.all(stores.map((store, number) => store.create(name, text(number))));
      const winners = answers.flatMap((one, number) => (one.created ? [number] : []));
      expect(winners).toHaveLength(1);
      const [winner = -1] = winners;
      const told = answers.flatMap((one) => (one.created ? [] : [new TextDecoder().decode(one.bytes)]));
      expect(new Set(told)).toEqual(new Set([`caller ${winner}`]));
      // Its answer was lost, and it asks again.
      expect(await stores[winner]?.create(name, text(winner))).toEqual({ created: true });
    }
    const same = await Promise.all(stores.map((store) => store.create("same", text(0))));
    expect(same.filter((one) => one.created)).toHaveLength(1);
  });

  it("are listed, read and removed, may be empty, and hold almost 1,000,000 bytes", async ({ shop }) => {
    const store = new ConfigRecordStore(shop.docker, shop.scope);
    const large = new Uint8Array(999_000).map((_, index) => (index * 2_654_435_761) >>> 24);
    await store.create("0001.snap.0123456789abcdef", large);
    await store.create("0001.beat.1", new Uint8Array());
    expect([...(await store.list())].sort()).toEqual(["0001.beat.1", "0001.snap.0123456789abcdef"]);
    expect(await store.read("0001.snap.0123456789abcdef")).toEqual(large);
    expect(await store.read("0001.beat.1")).toEqual(new Uint8Array());
    expect(await store.create("0001.beat.1", large)).toEqual({ created: false, bytes: new Uint8Array() });
    expect(await store.read("0002.begin")).toBeUndefined();
    const other = new ConfigRecordStore(shop.docker, { ...shop.scope, environment: "other" });
    expect(await other.list()).toEqual([]);
    for (const name of [...(await store.list()), "gone"]) await store.remove(name);
    expect(await store.list()).toEqual([]);
  });

  it("are told of at once, to whoever waits for one of that name", async ({ shop }) => {
    const [asked, asks] = [
      new ConfigRecordStore(shop.docker, shop.scope),
      new ConfigRecordStore(shop.docker, shop.scope),
    ];
    const over = new AbortController();
    let rung = 0;
    const listening = (async () => {
      for await (const _made of asked.made("0001.stop", over.signal)) rung += 1;
    })();
    // The stream may not be open yet when the first one is made.
    const ask = async (): Promise<boolean> => {
      await asks.create("0001.stop", new Uint8Array());
      await asks.remove("0001.stop");
      return rung > 0;
    };
    await waitUntil("it rings", ask, { withinMs: 60_000, everyMs: 100 });
    over.abort();
    await listening;
  });
});

describe("an engine that is no manager", () => {
  it.for([
    [{ LocalNodeState: "active", ControlAvailable: false }, "worker"],
    [{ LocalNodeState: "inactive" }, "docker swarm init"],
    [{ LocalNodeState: "locked" }, "unlock"],
  ] as const)("is refused with what to do: %o", async ([Swarm, words], { shop }) => {
    const info = await shop.docker.info();
    const docker: Docker = { ...shop.docker, info: async () => ({ ...info, Swarm }) };
    const { scope, log, redactor } = shop;
    const runner = () => Promise.reject(new Error("nothing is run"));
    const opened = createSwarmTarget({ docker, runner, scope, services: {}, log, clock: systemClock, redactor });
    await expect(opened).rejects.toThrow(BelayError);
    await expect(opened).rejects.toThrow(words);
  });

  it("that still waits for its swarm is waited for, and is unreachable when it waits for ever", async ({ shop }) => {
    const info = await shop.docker.info();
    const { scope, log, redactor } = shop;
    const runner = () => Promise.reject(new Error("nothing is run"));
    const clock = { ...systemClock, sleep: async () => {} };
    const open = (pending: number) => {
      let asked = 0;
      const Swarm = { LocalNodeState: "pending" } as const;
      const docker: Docker = { ...shop.docker, info: async () => (asked++ < pending ? { ...info, Swarm } : info) };
      return createSwarmTarget({ docker, runner, scope, services: {}, log, clock, redactor });
    };
    expect(await open(3)).toMatchObject({ kind: "swarm" });
    await expect(open(Number.POSITIVE_INFINITY)).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  });
});
