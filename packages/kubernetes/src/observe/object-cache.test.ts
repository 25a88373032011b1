import { systemClock } from "@belay/core";
import { createTestLog, waitUntil } from "@belay/testkit";
import { expect, test } from "vitest";
import { apiErrorOf } from "../api/api-error.ts";
import type { KubernetesApi, WatchEvent } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { ObjectCache } from "./object-cache.ts";

function pod(name: string, resourceVersion: string): KubernetesObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, uid: name, resourceVersion } };
}

type Stream = () => AsyncIterable<WatchEvent>;

async function* events(
  list: readonly WatchEvent[],
  end: () => Promise<void> = async () => {},
): AsyncGenerator<WatchEvent> {
  yield* list;
  await end();
}

/** An API server that answers each watch with the next of these, and remembers from where it was asked. */
function follow(streams: readonly Stream[], lists: readonly KubernetesObject[][]) {
  const stop = new AbortController();
  const asked: string[] = [];
  let listed = 0;
  const api = {
    list: async () => ({ resourceVersion: String(10 * ++listed), items: lists[listed - 1] ?? [] }),
    watch: async (_version: string, _kind: string, from: string) => {
      asked.push(from);
      const next = streams[asked.length - 1];
      if (next !== undefined) return next();
      return events([], () => new Promise((resolve) => stop.signal.addEventListener("abort", () => resolve())));
    },
  } as unknown as KubernetesApi;
  const cache = new ObjectCache({ api, clock: systemClock, log: createTestLog(), onChange: () => {} }, "v1", "Pod");
  const done = cache.follow(stop.signal);
  const settled = () =>
    waitUntil("the last watch", () => asked.length > streams.length && cache.isLive, { withinMs: 10_000 });
  const end = async (): Promise<void> => {
    stop.abort();
    await done;
  };
  return { cache, asked, settled, end };
}

const names = (cache: ObjectCache): string[] => cache.objects().map(({ metadata }) => metadata.name);

test("a watch that the server ends goes on from the last version that it told", async () => {
  const first = events([
    { type: "MODIFIED", object: pod("a", "11") },
    { type: "BOOKMARK", object: pod("", "15") },
  ]);
  const { cache, asked, settled, end } = follow([() => first], [[pod("a", "9")]]);
  await settled();
  expect(asked).toEqual(["10", "15"]);
  expect(cache.hasSeen(pod("a", "11"), systemClock.now())).toBe(true);
  expect(cache.hasSeen(pod("a", "12"), systemClock.now())).toBe(false);
  expect(cache.hasSeen(pod("a", "8"), 0), "all was listed since").toBe(true);
  expect(names(cache)).toEqual(["a"]);
  await end();
  expect(cache.isLive).toBe(false);
});

test.each([
  [
    "whose version is too old",
    apiErrorOf("watching", { code: 410, reason: "Expired", message: "too old", details: {} }),
  ],
  ["that broke", new Error("cut")],
])("after a watch %s everything is listed anew", async (_name, error) => {
  const broken = events([{ type: "ADDED", object: pod("b", "11") }], async () => {
    throw error;
  });
  const { cache, asked, settled, end } = follow([() => broken], [[pod("a", "9")], [pod("c", "19")]]);
  await settled();
  expect(asked).toEqual(["10", "20"]);
  expect(names(cache)).toEqual(["c"]);
  await end();
});
