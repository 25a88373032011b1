import { VolumeRecordStore } from "@belay/compose";
import { LABELS, messageOf, scopeHash } from "@belay/core";
import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { drive, goBack, POLICY } from "./compose-driver.ts";
import { answers, it, release, writeShop } from "./compose-shop.ts";
import type { ProjectStand } from "./compose-stand.ts";

/** Whether the engine has sent SIGTERM to a container of `web`, as its own events tell. */
async function isEnding(shop: ProjectStand): Promise<boolean> {
  const seconds = String(Date.now() / 1_000);
  const filters = [
    "event=kill",
    `label=com.docker.compose.project=${shop.name}`,
    "label=com.docker.compose.service=web",
  ];
  const args = ["events", "--since", "5m", "--until", seconds, ...filters.flatMap((one) => ["--filter", one])];
  return (await shop.engine.docker(args)).stdout.includes("signal=15");
}

describe.concurrent("a run that was killed", () => {
  it.for([1, 2, 3])("before stage %i is put right by another one, twice if need be", async (dieBefore, { shop }) => {
    await writeShop(shop, "deploy: { replicas: 2 }");
    await shop.compose(["up", "-d", "--wait"]);
    const before = await shop.ids();
    const dead = await drive(await shop.target(), await release(shop, "good2"), 1, { dieBefore });
    const next = await shop.target();
    // Before the third stage everything has been done: the last one was `retire`.
    const removed = dieBefore === 3;
    await goBack(next, dead.snapshot, dead.context);
    const after = await shop.ids();
    expect(Object.keys(after)).toEqual(Object.keys(before));
    if (!removed) expect(after).toEqual(before);
    await answers(shop, "good1");
    expect(await goBack(next, dead.snapshot, dead.context)).toEqual(["remove"]);
    expect(await shop.ids()).toEqual(after);
  });

  it("while old containers were ending is put right by one that waits for their end", async ({ shop }) => {
    await writeShop(shop);
    const first = await drive(await shop.target(), await release(shop, "slow"), 1);
    expect(first.result).toBe("succeeded");
    const before = await shop.ids();
    const target = await shop.target();
    const plan = await target.plan(await release(shop, "good2"), POLICY);
    const snapshot = await target.snapshot(plan);
    const context = { ...first.context, deployment: 2 };
    const [start, shift] = target.execution(plan, context).stages;
    await start?.act(AbortSignal.timeout(90_000));
    const killed = new AbortController();
    // Not an assertion yet: one that is awaited later is taken for another test's, where several run at once.
    const dying = shift?.act(killed.signal).then(() => "it was not", messageOf);
    // Once it was asked to stop, a container takes 2.5 s to end.
    await waitUntil("SIGTERM for the old containers", () => isEnding(shop), { withinMs: 30_000 });
    killed.abort(new Error("killed"));
    expect(await dying).toBe("killed");
    expect(await goBack(await shop.target(), snapshot, context)).toEqual(["restore", "remove"]);
    expect(await shop.ids()).toEqual(before);
    await answers(shop, "slow");
  });

  it("is put right when somebody removed the old containers, too", async ({ shop }) => {
    await writeShop(shop, "configs: [greeting]", "\nconfigs: { greeting: { content: hello } }");
    await shop.compose(["up", "-d", "--wait"]);
    const dead = await drive(await shop.target(), await release(shop, "good2"), 1, { dieBefore: 2 });
    await shop.engine.docker(["rm", "--force", `${shop.name}-web-1`]);
    await goBack(await shop.target(), dead.snapshot, dead.context);
    expect(Object.keys(await shop.ids("web"))).toEqual([`${shop.name}-web-1`]);
    expect((await shop.engine.docker(["exec", `${shop.name}-web-1`, "cat", "/greeting"])).stdout).toBe("hello");
    await answers(shop, "good1");
  });
});

describe.concurrent("containers of several revisions", () => {
  it("are all restored when a person added one beside them", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait"]);
    await writeShop(shop, "environment: { HAND: made }");
    await shop.compose(["up", "-d", "--wait", "--no-recreate", "--scale", "web=2"]);
    const before = await shop.ids();
    expect(Object.keys(await shop.ids("web"))).toHaveLength(2);
    const bad = await drive(await shop.target(), await release(shop, "crash"), 1);
    expect(bad).toMatchObject({ result: "rolled_back", plan: { services: [{ desired: 2 }] } });
    expect(await shop.ids()).toEqual(before);
    await answers(shop, "good1");
  });

  it("are restored as far as they were sound, beside what a failed deployment left", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait"]);
    // Its containers stay, as with `on-failure: keep`, and crash again and again.
    await writeShop(shop, "restart: always");
    const target = await shop.target();
    const plan = await target.plan(await release(shop, "crash"), POLICY);
    const context = { deployment: 1, release: `sha256:${"0".repeat(64)}`, policy: POLICY } as const;
    await target.execution(plan, context).stages[0]?.act(AbortSignal.timeout(20_000));
    const before = await shop.ids();
    const kept = before[`${shop.name}-web-2`] ?? "";
    const crashed = async () => (await shop.docker.containers.inspect(kept)).RestartCount > 0;
    await waitUntil("its first crash", crashed, { withinMs: 20_000 });
    const bad = await drive(await shop.target(), await release(shop, "unhealthy"), 2);
    expect(bad.result).toBe("rolled_back");
    expect(await shop.ids()).toEqual(before);
    await answers(shop, "good1");
    const [running] = await (await shop.target()).running();
    expect(running).toMatchObject({ ready: 1, desired: 1 });
    expect(running).not.toHaveProperty("deployment");
  });
});

describe.concurrent("a service that can't run twice", () => {
  const recreate = { policy: { strategy: "recreate" as const } };

  it.for<readonly [string, string]>([
    ["fixed_port", "ports: ['127.0.0.1:PORT:8080']"],
    ["container_name", "container_name: NAME"],
    ["writable_volume", "volumes: ['data:/data']"],
  ])("is refused for its %s, replaced by recreate, and brought back", async ([check, text], { shop }) => {
    const port = shop.port + 1;
    const web = text.replace("PORT", String(port)).replace("NAME", `${shop.name}-only`);
    await writeShop(shop, web, check === "writable_volume" ? "\nvolumes: { data: {} }" : "");
    await shop.compose(["up", "-d", "--wait"]);
    const before = await shop.ids();
    const target = await shop.target();
    const { findings, notCovered } = await target.plan(await release(shop, "good2"), POLICY);
    expect(findings).toContainEqual(
      expect.objectContaining({ level: "refuse", check, remedy: expect.stringContaining("strategy: recreate") }),
    );
    if (check === "writable_volume") expect(notCovered).toEqual([`the volume ${shop.name}_data`]);
    const bad = await drive(target, await release(shop, "crash"), 1, recreate);
    expect(bad.result).toBe("rolled_back");
    expect(await shop.ids()).toEqual(before);
    await answers(shop, "good1");
    const good = await drive(target, await release(shop, "good2"), 2, recreate);
    expect(good).toMatchObject({ result: "succeeded", plan: { services: [{ action: "recreate" }] } });
    await answers(shop, "good2");
    expect(Object.keys(await shop.ids("web"))).toHaveLength(1);
    if (check === "container_name") expect(Object.keys(await shop.ids("web"))).toEqual([`${shop.name}-only`]);
    const kept = await shop.ids();
    const dead = await drive(target, await release(shop, "good1"), 3, { ...recreate, dieBefore: 1 });
    await goBack(await shop.target(), dead.snapshot, dead.context);
    expect(await shop.ids()).toEqual(kept);
    await answers(shop, "good2");
  });
});

describe.concurrent("the records", () => {
  it("have one winner, whoever asks", async ({ shop }) => {
    const stores = Array.from({ length: 8 }, () => new VolumeRecordStore(shop.docker, shop.scope));
    const text = (number: number): Uint8Array => new TextEncoder().encode(`caller ${number}`);
    for (let round = 0; round < 30; round++) {
      const answers = await Promise.all(stores.map((store, number) => store.create(`${round}.begin`, text(number))));
      const winners = answers.flatMap((one, number) => (one.created ? [number] : []));
      expect(winners).toHaveLength(1);
      const [winner = -1] = winners;
      const told = answers.flatMap((one) => (one.created ? [] : [new TextDecoder().decode(one.bytes)]));
      expect(new Set(told)).toEqual(new Set([`caller ${winner}`]));
      expect(await stores[winner]?.create(`${round}.begin`, text(winner))).toEqual({ created: true });
    }
    const same = await Promise.all(stores.map((store) => store.create("same", text(0))));
    expect(same.filter((one) => one.created)).toHaveLength(1);
  });

  it("are listed, read and removed; one without labels is there and empty", async ({ shop }) => {
    const store = new VolumeRecordStore(shop.docker, shop.scope);
    const large = new Uint8Array(400_000).map((_, index) => (index * 2_654_435_761) >>> 24);
    await store.create("1.snap.abc", large);
    await shop.docker.volumes.create({ Name: `belay.${scopeHash(shop.scope)}.2.begin` });
    expect([...(await store.list())].sort()).toEqual(["1.snap.abc", "2.begin"]);
    expect(await store.read("1.snap.abc")).toEqual(large);
    expect(await store.read("2.begin")).toEqual(new Uint8Array());
    expect(await store.create("2.begin", large)).toEqual({ created: false, bytes: new Uint8Array() });
    const damaged = { Name: `belay.${scopeHash(shop.scope)}.4.begin`, Labels: { [LABELS.record]: "bm8gZ3ppcA==" } };
    await shop.docker.volumes.create(damaged);
    expect(await store.read("4.begin")).toEqual(new Uint8Array());
    expect(await store.create("4.begin", large)).toEqual({ created: false, bytes: new Uint8Array() });
    expect(await store.read("3.begin")).toBeUndefined();
    for (const name of [...(await store.list()), "gone"]) await store.remove(name);
    expect(await store.list()).toEqual([]);
  });

  it("are told of at once, to whoever waits for one of that name", async ({ shop }) => {
    const [asked, asks] = [
      new VolumeRecordStore(shop.docker, shop.scope),
      new VolumeRecordStore(shop.docker, shop.scope),
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
