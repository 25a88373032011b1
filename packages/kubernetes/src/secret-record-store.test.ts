import { BelayError, type Clock } from "@belay/core";
import { expect, it } from "vitest";
import type { KubernetesApi, WatchEvent } from "./kubernetes-api.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { SecretRecordStore } from "./secret-record-store.ts";

const SCOPE = { target: "kubernetes", project: "shop", application: "shop", environment: "test" } as const;
const ADDED: WatchEvent = { type: "ADDED", object: { apiVersion: "v1", kind: "Secret", metadata: { name: "x" } } };
const BOOKMARK: WatchEvent = { ...ADDED, type: "BOOKMARK" };
const DELETED: WatchEvent = { ...ADDED, type: "DELETED" };

async function* streamOf(...events: readonly (WatchEvent | Error)[]): AsyncGenerator<WatchEvent> {
  for (const event of events) {
    if (event instanceof Error) throw event;
    yield event;
  }
}

/** An API server that gives these streams one after another, or fails to; and how often it was waited in between. */
function storeOver(
  answers: readonly (readonly (WatchEvent | Error)[] | Error)[],
  stands: (readonly KubernetesObject[])[] = [],
) {
  const left = [...answers];
  const pauses: number[] = [];
  const watch: KubernetesApi["watch"] = async () => {
    const next = left.shift();
    if (next === undefined || next instanceof Error) throw next ?? forbidden;
    return streamOf(...next);
  };
  const sleep: Clock["sleep"] = async (milliseconds) => {
    pauses.push(milliseconds);
  };
  const list: KubernetesApi["list"] = async () => ({ resourceVersion: "1", items: stands.shift() ?? [] });
  const clock = { sleep, now: () => 0, date: () => new Date(0) };
  return { store: new SecretRecordStore({ watch, list } as KubernetesApi, SCOPE, clock), pauses };
}

const away = new BelayError("ENGINE_UNREACHABLE", { doing: "watching secrets", got: "the connection was cut" });
const forbidden = new BelayError("ENGINE_FORBIDDEN", { doing: "watching secrets", got: "403" });

it("a record that is made is told of, through streams that end, are cut or can't be opened, until it is forbidden", async () => {
  const { store, pauses } = storeOver([away, [BOOKMARK], [away], [DELETED, ADDED, away], [ADDED]]);
  let rung = 0;
  const listening = (async () => {
    for await (const _made of store.made("0001.stop", new AbortController().signal)) rung += 1;
  })();
  await expect(listening).rejects.toBe(forbidden);
  expect(rung).toBe(2);
  expect(pauses).toHaveLength(5);
  expect(Math.min(...pauses)).toBeGreaterThan(0);
});

it("a record that stands already, or came while nothing was open, is told of, too", async () => {
  const { store } = storeOver([[], [BOOKMARK]], [[], [ADDED.object]]);
  let rung = 0;
  const listening = (async () => {
    for await (const _made of store.made("0001.stop", new AbortController().signal)) rung += 1;
  })();
  await expect(listening).rejects.toBe(forbidden);
  expect(rung).toBe(1);
});

it("nobody waits for a record any more who has gone", async () => {
  const over = new AbortController();
  const { store } = storeOver([[ADDED], [ADDED]]);
  let rung = 0;
  for await (const _made of store.made("0001.stop", over.signal)) {
    rung += 1;
    over.abort();
  }
  expect(rung).toBe(1);
});
