import { Redactor, scopeHash, systemClock } from "@belay/core";
import { connectKubernetes, type KubernetesConnection, SecretRecordStore } from "@belay/kubernetes";
import { Ledger } from "@belay/rollout";
import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "../contract/policy.ts";
import { it, type Shop } from "./kubernetes-space.ts";

async function withApi<T>(shop: Shop, work: (api: KubernetesConnection) => Promise<T>): Promise<T> {
  const place = { kubeconfig: shop.cluster.kubeconfig, namespace: shop.scope.project, env: {} };
  const api = await connectKubernetes({ ...place, clock: systemClock, redactor: new Redactor(), log: shop.log });
  try {
    return await work(api);
  } finally {
    await api.close();
  }
}

describe.concurrent("the records", () => {
  it("have one winner, whoever asks", ({ shop }) =>
    withApi(shop, async (api) => {
      const stores = Array.from({ length: 8 }, () => new SecretRecordStore(api, shop.scope, systemClock));
      const text = (number: number): Uint8Array => new TextEncoder().encode(`caller ${number}`);
      for (let round = 0; round < 10; round++) {
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
    }));

  it("are listed, read and removed, and nobody can change them", ({ shop }) =>
    withApi(shop, async (api) => {
      const store = new SecretRecordStore(api, shop.scope, systemClock);
      const other = new SecretRecordStore(api, { ...shop.scope, environment: "other" }, systemClock);
      const large = new Uint8Array(600_000).map((_, index) => (index * 2_654_435_761) >>> 24);
      await store.create("1.snap.abc", large);
      await other.create("1.begin", large.subarray(0, 10));
      expect(await store.list()).toEqual(["1.snap.abc"]);
      expect(await store.read("1.snap.abc")).toEqual(large);
      expect(await store.read("1.begin")).toBeUndefined();
      await shop.kubectl(
        "create",
        "secret",
        "generic",
        `belay.${scopeHash(shop.scope)}.2.begin`,
        "--from-literal=record=x",
      );
      expect(await store.read("2.begin")).toEqual(new Uint8Array());
      expect(await store.create("2.begin", large)).toEqual({ created: false, bytes: new Uint8Array() });
      await store.remove("2.begin");
      const [name = ""] = (await shop.kubectl("get", "secrets", "--output", "name"))
        .split("\n")
        .filter((one) => one.endsWith("abc"));
      const args = ["--namespace", shop.scope.project, "patch", name, "--patch", '{"stringData":{"record":"x"}}'];
      expect((await shop.cluster.kubectl(args, { allowedExitCodes: [0, 1] })).stderr).toContain("immutable");
      for (const one of [...(await store.list()), "gone"]) await store.remove(one);
      expect(await store.list()).toEqual([]);
      expect(await other.list()).toEqual(["1.begin"]);
    }));
});

describe.concurrent("a request to stop", () => {
  /** A beat comes every third of it: what is heard before that, the API server has told. */
  const LIFE_MS = 3_600_000;

  it("is heard at once by whoever holds the environment", ({ shop, onTestFinished }) =>
    withApi(shop, async (api) => {
      const [holder, other] = [ledgerOf(shop, api, "holder"), ledgerOf(shop, api, "other")];
      const { source } = await shop.release({ web: "good1" });
      const release = { digest: `sha256:${"0".repeat(64)}`, source, images: {} } as const;
      const tenure = await holder.claim(0, { intent: "deploy", release, policy: POLICY });
      if (tenure === undefined) throw new Error("nobody else is there");
      onTestFinished(() => tenure.leave());
      await other.askToStop(tenure.begin, { intent: "deploy", release });
      await waitUntil("it is heard", () => tenure.stop.aborted, { withinMs: 120_000 });
      expect(tenure.stopRequest?.by.run).toBe("other");
    }));

  function ledgerOf(shop: Shop, api: KubernetesConnection, run: string): Ledger {
    return new Ledger({
      store: new SecretRecordStore(api, shop.scope, systemClock),
      holder: { run, attempt: 1, host: "test" },
      ...{ clock: systemClock, log: shop.log, random: Math.random, redactor: new Redactor(), lifeMs: LIFE_MS },
    });
  }
});

describe.concurrent("a connection", () => {
  it("runs commands in pods, and tells their exit codes and addresses", ({ shop }) =>
    withApi(shop, async (api) => {
      const image = await shop.image("good1");
      await shop.kubectl("run", "probe", "--image", image, "--restart", "Never");
      await shop.kubectl("wait", "pod/probe", "--for=condition=Ready", "--timeout", "60s");
      const uid = await shop.read("pod/probe", "{.metadata.uid}");
      const options = { timeoutMs: 30_000, signal: new AbortController().signal };
      expect(await api.exec(uid, ["/bin/sh", "-c", "echo here; exit 4"], options)).toEqual({
        exitCode: 4,
        output: "here\n",
      });
      expect(await api.exec(uid, ["true"], options)).toMatchObject({ exitCode: 0 });
      expect((await api.exec(uid, ["/no/such"], options)).exitCode).not.toBe(0);
      expect(await api.addressOf(uid)).toBe(await shop.read("pod/probe", "{.status.podIP}"));
    }));
});
