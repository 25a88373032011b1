import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, Redactor, systemClock, withPermit } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectKubernetes, type KubernetesConnection } from "./connect-kubernetes.ts";

const CONFIG_MAP = { apiVersion: "v1", kind: "ConfigMap", name: "settings" } as const;
const OBJECT = { ...CONFIG_MAP, metadata: { name: "settings" } };

interface Throttled {
  readonly api: KubernetesConnection;
  /** Requests of each method since the connection stands. */
  readonly asked: string[];
  /** Pauses that were made, in milliseconds. */
  readonly pauses: number[];
}

/** An API server that answers so often like this, and then as it should. */
async function throttled(times: number, answer: (response: ServerResponse) => void): Promise<Throttled> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const json = (body: object): void =>
      void response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    if (request.url === "/version") return json({ major: "1", minor: "34" });
    asked.push(request.method ?? "");
    return asked.length <= times ? answer(response) : json(OBJECT);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const pauses: number[] = [];
  const sleep = async (milliseconds: number): Promise<void> => void pauses.push(milliseconds);
  const clock: Clock = { ...systemClock, sleep };
  const api = await connectTo((server.address() as AddressInfo).port, clock);
  return { api, asked, pauses };
}

function connectTo(port: number, clock: Clock): Promise<KubernetesConnection> {
  const kubeconfigText = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "one", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
    users: [{ name: "one", user: {} }],
    contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
    "current-context": "one",
  });
  return connectKubernetes({ kubeconfigText, env: {}, clock, redactor: new Redactor(), log: createTestLog() });
}

/** As a webhook's or a controller's `Status` says it. */
function inBody(seconds: number): (response: ServerResponse) => void {
  const status = { kind: "Status", code: 429, reason: "TooManyRequests", message: "slow down" };
  return (response) => {
    response.statusCode = 429;
    response.end(JSON.stringify({ ...status, details: { retryAfterSeconds: seconds } }));
  };
}

/** As priority and fairness says it. */
function inHeader(seconds: number): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(429, { "retry-after": String(seconds), "content-type": "text/plain; charset=utf-8" });
    response.end("Too many requests, please try again later.\n");
  };
}

describe("an API server that is asked too much", () => {
  it.each([
    ["in its answer", inBody],
    ["in a header", inHeader],
  ])("is given the pause that it asks for %s", async (_, answer) => {
    const { api, asked, pauses } = await throttled(2, answer(3));
    expect(await api.get(CONFIG_MAP)).toMatchObject({ metadata: { name: "settings" } });
    expect([asked, pauses]).toEqual([
      ["GET", "GET", "GET"],
      [3_000, 3_000],
    ]);
  });

  it("has not begun with a change, which is sent again", async () => {
    const { api, asked, pauses } = await throttled(1, inHeader(1));
    await api.patch(CONFIG_MAP, [{ op: "add", path: "/data", value: {} }]);
    expect([asked, pauses]).toEqual([["PATCH", "PATCH"], [1_000]]);
  });

  it("is not waited for longer than a caller can wait, nor asked for ever", async () => {
    const { api, asked, pauses } = await throttled(99, inHeader(3_600));
    await expect(api.get(CONFIG_MAP)).rejects.toMatchObject({
      code: "ENGINE_UNREACHABLE",
      message: expect.stringContaining("Too many requests"),
    });
    expect([asked.length, pauses]).toEqual([4, [10_000, 10_000, 10_000]]);
  });
});

it("a change that broke off on its way is not sent again: it may have been made", async () => {
  const { api, asked } = await throttled(99, (response) => void response.socket?.resetAndDestroy());
  const patch = api.patch(CONFIG_MAP, [{ op: "add", path: "/data", value: {} }]);
  await expect(patch).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  expect(asked).toEqual(["PATCH"]);
});

it("a change asks for its permit each time that it is sent; a dry run needs none", async () => {
  const { api, asked } = await throttled(1, inHeader(1));
  let left = 1;
  const mayChange = (): void => {
    if (left-- === 0) throw new Error("another run took over");
  };
  const add = [{ op: "add", path: "/data", value: {} }] as const;
  await expect(withPermit(mayChange, () => api.patch(CONFIG_MAP, add))).rejects.toThrow("another run took over");
  await withPermit(mayChange, () => api.patch(CONFIG_MAP, add, { dryRun: true }));
  expect(asked).toEqual(["PATCH", "PATCH"]);
  expect(left).toBe(-1);
});
