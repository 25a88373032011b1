import type { Release } from "@belay/core";
import { waitUntil } from "@belay/testkit";
import { test, vi } from "vitest";
import { openStand, type ProjectStand, releaseOf } from "./compose-stand.ts";

let count = 0;

/** What waits most of the time can run side by side, but on two cores not with five health checks at once. */
vi.setConfig({ maxConcurrency: 3 });

/** Each test has a compose project of its own; the tests of one file share an engine and a registry. */
export const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
  .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
    const stand = await openStand();
    onCleanup(() => stand.stop());
    return stand;
  })
  .extend("shop", async ({ stand }, { onCleanup }) => {
    const shop = await stand.project(`belay-ct-${process.pid}-${++count}`);
    onCleanup(() => shop.remove());
    return shop;
  });

/** The shop: web, and in front of it a proxy that belay.yaml does not name. */
export async function writeShop(shop: ProjectStand, web = "", more = "", restart = "no"): Promise<void> {
  const image = await shop.image("good1");
  await shop.write(`
services:
  web:
    image: ${image.repository}:good1
    stop_grace_period: 5s
    ${web}
  proxy:
    image: belay-test/haproxy:2
    ports: ["127.0.0.1:${shop.port}:8000"]
    volumes: ["./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]
    restart: "${restart}"
    stop_grace_period: 1s
  ${more}
`);
}

export async function release(shop: ProjectStand, web: string): Promise<Release> {
  return releaseOf({ web: await shop.image(web) });
}

/** Where the proxy listens. */
export function url(shop: ProjectStand): string {
  return `http://127.0.0.1:${shop.port}/`;
}

/** Waits until the shop answers with this text, through the proxy. */
export async function answers(shop: ProjectStand, text: string): Promise<void> {
  const ask = async () => (await (await fetch(url(shop), { signal: AbortSignal.timeout(20_000) })).text()) === text;
  await waitUntil(`the proxy answers ${text}`, ask, { withinMs: 60_000 });
}
