import { type Containers, EngineError } from "@belay/docker";
import { requestLoop, waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { drive, goBack, POLICY } from "./compose-driver.ts";
import { answers, it, release, url, writeShop } from "./compose-shop.ts";
import { type ProjectStand, releaseOf } from "./compose-stand.ts";

/** What an engine says whose storage driver can't let go of a container's files. */
const BUSY = "driver failed to remove root filesystem: device or resource busy";

/** Services whose containers the engine has started or removed since then, in its order. `sinceMs`: since the epoch. */
async function eventsSince(shop: ProjectStand, event: "start" | "destroy", sinceMs: number): Promise<string[]> {
  const times = { since: sinceMs, until: Date.now() };
  const args = Object.entries(times).flatMap(([name, ms]) => [`--${name}`, (ms / 1_000).toFixed(3)]);
  const filters = ["--filter", `event=${event}`, "--filter", `label=com.docker.compose.project=${shop.name}`];
  const format = '{{index .Actor.Attributes "com.docker.compose.service"}}';
  const { stdout } = await shop.engine.docker(["events", ...args, ...filters, "--format", format]);
  return stdout.split("\n").filter((line) => line !== "");
}

/** A release is started that crashes again and again, and whose engine starts it again each time. */
async function crashing(shop: ProjectStand) {
  await writeShop(shop);
  await shop.compose(["up", "-d", "--wait"]);
  await writeShop(shop, "restart: unless-stopped");
  const target = await shop.target();
  const plan = await target.plan(await release(shop, "crash"), POLICY);
  const context = { deployment: 1, release: "sha256:00" as const, policy: POLICY };
  const { stages, wanted } = target.execution(plan, context);
  const stop = new AbortController();
  const next = target.changes(stop.signal)[Symbol.asyncIterator]().next();
  await stages[0]?.act(stop.signal);
  await next;
  return { target, plan, context, wanted, stop };
}

/** What `look` finds at last. */
async function waitFor<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  let found: T | undefined;
  const isThere = async (): Promise<boolean> => {
    found = await look();
    return found !== undefined;
  };
  await waitUntil(what, isThere, { withinMs: 60_000, everyMs: 50 });
  if (found === undefined) throw new Error(`${what}: not found`);
  return found;
}

describe("a rolling deployment", () => {
  it("adopts what a plain compose made, and loses no request", async ({ shop }) => {
    await writeShop(shop, "deploy: { replicas: 3 }");
    await shop.compose(["up", "-d", "--wait"]);
    // The proxy asks for the addresses only after its start.
    await answers(shop, "good1");
    const before = await shop.ids();
    const target = await shop.target();
    const loop = requestLoop({ url: url(shop), timeoutMs: 30_000 });
    const driven = await drive(target, await release(shop, "good2"), 1);
    const requests = await loop.stop();
    expect(driven).toMatchObject({ result: "succeeded" });
    expect(requests.lostBecause).toEqual({});
    expect(requests.lost).toBe(0);
    expect(requests.byVersion.good2).toBeGreaterThan(0);
    expect(driven.plan.services[0]?.differences[0]).toMatch(/^image: .*:good1 → .*@sha256:/);
    const after = await shop.ids();
    expect(Object.keys(after).sort()).toEqual([
      `${shop.name}-proxy-1`,
      ...[4, 5, 6].map((number) => `${shop.name}-web-${number}`),
    ]);
    expect(after[`${shop.name}-proxy-1`]).toBe(before[`${shop.name}-proxy-1`]);
    const [running] = await target.running();
    expect(running).toMatchObject({ service: "web", ready: 3, desired: 3, deployment: 1 });
    expect(running?.digests).toContain((await shop.image("good2")).digest);
  });

  it("starts containers again whose connections would break, and loses no request", async ({ shop }) => {
    const server =
      "require('net').createServer((s) => s.on('data', (d) => setTimeout(() => s.write(d), 50))).listen(5000)";
    const db = `db:\n    image: belay-test/node:24\n    command: ["node", "-e", "${server}"]\n    stop_grace_period: 0s`;
    await writeShop(shop, "depends_on: [db]", db);
    await drive(await shop.target(), await release(shop, "pool1"), 1);
    await answers(shop, "pool1");
    const loop = requestLoop({ url: url(shop), perSecond: 100, timeoutMs: 30_000 });
    const driven = await drive(await shop.target(), await release(shop, "pool2"), 2);
    await answers(shop, "pool2");
    const requests = await loop.stop();
    expect(driven.result).toBe("succeeded");
    expect(driven.plan.findings).toMatchObject([{ level: "warn", check: "started_twice" }]);
    expect(shop.log.text()).toContain("again with its names");
    expect(requests.lostBecause).toEqual({});
    expect(requests.lost).toBe(0);
  });

  it("touches nothing when the release runs already", async ({ shop }) => {
    await writeShop(shop);
    const target = await shop.target();
    await drive(target, await release(shop, "good1"), 1);
    const before = await shop.ids();
    const again = await drive(target, await release(shop, "good1"), 2);
    expect(again.plan.services[0]).toMatchObject({ action: "unchanged", differences: [] });
    expect(again.result).toBe("succeeded");
    expect(await shop.ids()).toEqual(before);
  });

  it("is good although the engine can't remove what ran before, and names that", async ({ shop }) => {
    await writeShop(shop);
    await drive(await shop.target(), await release(shop, "good1"), 1);
    const [[name = "", id = ""] = []] = Object.entries(await shop.ids("web"));
    const remove: Containers["remove"] = async (container, ...rest) => {
      if (container !== id) return shop.docker.containers.remove(container, ...rest);
      throw new EngineError("ENGINE_ERROR", 500, BUSY, { doing: "removing a container", got: BUSY });
    };
    const docker = { ...shop.docker, containers: { ...shop.docker.containers, remove } };
    const driven = await drive(await shop.target({ docker }), await release(shop, "good2"), 2);
    expect(driven, `${driven.why}\n${shop.log.text()}`).toMatchObject({ result: "succeeded" });
    const command = `docker rm --force ${name}`;
    const what = `the container ${name}`;
    expect(driven.left).toEqual([{ what, service: "web", command, why: expect.stringContaining(BUSY) }]);
    const [running] = await (await shop.target()).running();
    expect(running).toMatchObject({ service: "web", ready: 1, deployment: 2 });
    // The next one clears it away.
    const next = await drive(await shop.target(), await release(shop, "good1"), 3);
    expect(next).toMatchObject({ result: "succeeded", left: [] });
    expect(Object.values(await shop.ids("web"))).not.toContain(id);
    expect(Object.keys(await shop.ids("web"))).toHaveLength(1);
  });

  it("knows a change of the environment alone", async ({ shop }) => {
    await writeShop(shop, `environment: { EXTRA: "\${EXTRA}" }`);
    const first = await shop.target({ env: { EXTRA: "-a" } });
    await drive(first, await release(shop, "good1"), 1);
    const second = await shop.target({ env: { EXTRA: "-b" } });
    const driven = await drive(second, await release(shop, "good1"), 2);
    expect(driven.plan.services[0]).toMatchObject({ action: "update", differences: ["environment: EXTRA changed"] });
    expect(JSON.stringify(driven.plan)).not.toContain("-b");
    const [id] = Object.values(await shop.ids("web"));
    const { stdout } = await shop.engine.docker(["exec", id ?? "", "sh", "-c", "echo $EXTRA"]);
    expect(stdout.trim()).toBe("-b");
  });

  it("keeps a number of containers set by hand, unless the files say one", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait", "--scale", "web=2"]);
    const driven = await drive(await shop.target(), await release(shop, "good2"), 1);
    expect(driven.plan.services[0]).toMatchObject({ desired: 2 });
    expect(Object.keys(await shop.ids("web"))).toHaveLength(2);
    await writeShop(shop, "deploy: { replicas: 1 }");
    const told = await drive(await shop.target(), await release(shop, "good2"), 2);
    expect(told.plan.findings).toContainEqual(expect.objectContaining({ check: "scale_changes", level: "warn" }));
    expect(Object.keys(await shop.ids("web"))).toHaveLength(1);
  });
});

describe.concurrent("a bad release", () => {
  it.for<readonly [string, string]>([
    ["crash", "exited"],
    ["unhealthy", "unhealthy"],
  ])("that is %s goes, and the old containers never stop", async ([bad, sign], { shop }) => {
    await writeShop(shop, "deploy: { replicas: 2 }");
    await shop.compose(["up", "-d", "--wait"]);
    // The proxy asks for the addresses only after its start.
    await answers(shop, "good1");
    const before = await shop.ids();
    const target = await shop.target();
    const loop = requestLoop({ url: url(shop), perSecond: 50 });
    const driven = await drive(target, await release(shop, bad), 1);
    const requests = await loop.stop();
    expect(driven.result).toBe("rolled_back");
    expect(driven.why).toContain(sign);
    expect(await shop.ids()).toEqual(before);
    expect(requests).toMatchObject({ lost: 0, byVersion: { good1: requests.ok } });
  });

  it("leaves its evidence before it goes", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait"]);
    const target = await shop.target();
    const plan = await target.plan(await release(shop, "crash"), POLICY);
    const context = { deployment: 1, release: "sha256:00" as const, policy: POLICY };
    const { stages, wanted } = target.execution(plan, context);
    const stop = new AbortController();
    const changes = target.changes(stop.signal)[Symbol.asyncIterator]();
    const next = changes.next();
    await stages[0]?.act(stop.signal);
    await next;
    const exited = async () => {
      const { services } = await target.observe(wanted, stop.signal);
      return (
        services[0]?.instances.some((one) => one.revision === wanted[0]?.revision && one.endedBy === "self") ?? false
      );
    };
    await waitUntil("the crash is seen", exited, { withinMs: 10_000 });
    const seen = await target.observe(wanted, stop.signal);
    const [evidence] = await target.dossier(wanted, seen, stop.signal);
    expect(evidence).toMatchObject({ service: "web", exitCode: 3 });
    expect(evidence?.logLines).toContain("no database at db:5432");
    await goBack(target, await target.snapshot(plan), context);
    stop.abort();
    expect(Object.keys(await shop.ids("web"))).toEqual([`${shop.name}-web-1`]);
  });

  it.for(["restarting", "running"] as const)(
    "is not started again while its evidence is taken, which stays as it is: %s at the verdict",
    async (state, { shop }) => {
      const { target, plan, context, wanted, stop } = await crashing(shop);
      const { signal } = stop;
      const look = async () => {
        const seen = await target.observe(wanted, signal);
        return { seen, instance: seen.services[0]?.instances.find((one) => one.revision === wanted[0]?.revision) };
      };
      // The engine waits longer before each start: by then for more than a second.
      const { seen, instance } = await waitFor(`the crashed one is ${state} after five starts or more`, async () => {
        const looked = await look();
        const [one] = looked.instance?.containers ?? [];
        return one?.state === state && one.restarts >= 5 ? looked : undefined;
      });
      const over = new AbortController();
      const held = target.hold?.(seen, over.signal);
      const shown = "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}";
      await waitFor("it stays down", async () => {
        const { stdout } = await shop.engine.docker(["inspect", "--format", shown, instance?.id ?? ""]);
        return stdout.trim() === "exited 3 false" ? true : undefined;
      });
      over.abort();
      await expect(held).rejects.toThrow("abort");
      const [evidence] = await target.dossier(wanted, seen, signal);
      expect(evidence).toMatchObject({ service: "web", exitCode: 3 });
      expect(evidence?.logLines.at(-1)).toBe("no database at db:5432");
      expect(evidence?.events.join("\n")).not.toContain("kill");
      await goBack(target, await target.snapshot(plan), context);
      stop.abort();
      expect(Object.keys(await shop.ids("web"))).toEqual([`${shop.name}-web-1`]);
    },
  );

  it("whose command does not exist is a start that failed", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait"]);
    // The proxy asks for the addresses only after its start.
    await answers(shop, "good1");
    const before = await shop.ids();
    await writeShop(shop, 'command: ["/no/such/program"]');
    const driven = await drive(await shop.target(), await release(shop, "good2"), 1);
    expect(driven.why).toContain("start_failed");
    expect(await shop.ids()).toEqual(before);
  });

  it("of several services goes in the reverse order of that in which it came", async ({ shop }) => {
    const { repository } = await shop.image("good1");
    const api = `api: { image: "${repository}:good1", stop_grace_period: 5s }`;
    await writeShop(shop, "depends_on: { api: { condition: service_healthy } }", api);
    await shop.compose(["up", "-d", "--wait"]);
    const before = await shop.ids();
    const target = await shop.target({ services: { web: { name: "web" }, api: { name: "api" } } });
    const began = Date.now();
    const bad = releaseOf({ web: await shop.image("unhealthy"), api: await shop.image("good2") });
    const driven = await drive(target, bad, 1);
    expect(driven, shop.log.text()).toMatchObject({
      result: "rolled_back",
      why: expect.stringMatching(/web.* unhealthy/),
    });
    expect(await shop.ids()).toEqual(before);
    expect(await eventsSince(shop, "destroy", began)).toEqual(["web", "api"]);
  });

  it("of several services that can't run twice starts them again in that order, too", async ({ shop }) => {
    const { repository } = await shop.image("good1");
    const named = (name: string) => `container_name: ${shop.name}-only-${name}`;
    const api = `api: { image: "${repository}:good1", stop_grace_period: 5s, ${named("api")} }`;
    await writeShop(shop, `depends_on: { api: { condition: service_healthy } }\n    ${named("web")}`, api);
    await shop.compose(["up", "-d", "--wait"]);
    const before = await shop.ids();
    const target = await shop.target({ services: { web: { name: "web" }, api: { name: "api" } } });
    const began = Date.now();
    const bad = releaseOf({ web: await shop.image("unhealthy"), api: await shop.image("good2") });
    const driven = await drive(target, bad, 1, { policy: { strategy: "recreate" } });
    expect(driven, shop.log.text()).toMatchObject({ result: "rolled_back" });
    expect(await shop.ids()).toEqual(before);
    expect(await eventsSince(shop, "start", began)).toEqual(["api", "web", "web", "api"]);
  });

  it("of a first deployment is removed by the way back", async ({ shop }) => {
    await writeShop(shop);
    const driven = await drive(await shop.target(), await release(shop, "crash"), 1);
    expect(driven.result).toBe("rolled_back");
    expect(await shop.ids("web")).toEqual({});
  });
});
