import { writeFile } from "node:fs/promises";
import { Redactor, systemClock } from "@belay/core";
import { type DeploymentResult, deploy, type RolloutPorts, rollback } from "@belay/rollout";
import { makeProxyImages, PROXY_IMAGES, requestLoop } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "./compose-driver.ts";
import { answers, it, release, url } from "./compose-shop.ts";
import type { ProjectStand } from "./compose-stand.ts";

interface Proxy {
  /** In the place of the shop's haproxy, as YAML. */
  readonly service: (shop: ProjectStand) => string;
  readonly config?: string;
  readonly shift?: { readonly service: string; readonly command: readonly string[] };
}

const NGINX_BEGIN = `
user root;
daemon off;
error_log stderr warn;
events { worker_connections 1000; }
http {
  access_log off;
  proxy_connect_timeout 500ms;`;
const NGINX_END = `
}`;

/** The tries that nginx does by itself: a refused connection, or one that was closed before a word came back. */
const NGINX_TRIES = "proxy_next_upstream error timeout; proxy_next_upstream_tries 4;";

const nginx = (shop: ProjectStand): string => `
    image: ${PROXY_IMAGES.nginx}
    command: ["-c", "/etc/nginx.conf"]
    ports: ["127.0.0.1:${shop.port}:8000"]
    volumes: ["./proxy.conf:/etc/nginx.conf:ro"]
    depends_on: [web]`;

/** What docs/compose.md shows, word for word where it can. */
const PROXIES: Readonly<Record<string, Proxy>> = {
  "nginx that looks names up": {
    service: nginx,
    config: `${NGINX_BEGIN}
  server {
    listen 8000;
    resolver 127.0.0.11 valid=1s ipv6=off;
    location / {
      set $upstream http://web:8080;
      proxy_pass $upstream;
      ${NGINX_TRIES}
    }
  }${NGINX_END}`,
  },
  "nginx that is told": {
    service: nginx,
    config: `${NGINX_BEGIN}
  server {
    listen 8000;
    location / {
      proxy_pass http://web:8080;
      ${NGINX_TRIES}
    }
  }${NGINX_END}`,
    shift: { service: "proxy", command: ["/bin/proxy", "-c", "/etc/nginx.conf", "-s", "reload"] },
  },
};

async function writeShopBehind(shop: ProjectStand, proxy: Proxy): Promise<void> {
  const image = await shop.image("good1");
  if (proxy.config !== undefined) await writeFile(`${shop.folder}/proxy.conf`, proxy.config);
  await shop.write(`
services:
  web:
    image: ${image.repository}:good1
    deploy: { replicas: 2 }
    stop_grace_period: 5s
  proxy:${proxy.service(shop)}
    stop_grace_period: 1s
`);
}

const policy = { ...POLICY, crashes: 1, drainMs: 4_000 };

async function portsOf(shop: ProjectStand, proxy: Proxy, run: string): Promise<RolloutPorts> {
  const target = await shop.target(proxy.shift === undefined ? {} : { shift: proxy.shift });
  const holder = { run: `${shop.name}-${run}`, attempt: 1, host: "test" };
  const { signal } = new AbortController();
  return { target, clock: systemClock, log: shop.log, holder, signal, redactor: new Redactor(), random: Math.random };
}

async function run(shop: ProjectStand, proxy: Proxy, image: string): Promise<DeploymentResult> {
  return deploy({ release: await release(shop, image), policy }, await portsOf(shop, proxy, image));
}

describe("requests during good and bad releases and a way back by hand", () => {
  it.for(Object.entries(PROXIES))(
    "are not lost behind %s",
    { timeout: 900_000 },
    async ([name, proxy], { shop, stand }) => {
      await makeProxyImages(stand.engine);
      await writeShopBehind(shop, proxy);
      expect(await run(shop, proxy, "good1"), shop.log.text()).toMatchObject({ outcome: "succeeded" });
      await answers(shop, "good1");
      const loop = requestLoop({ url: url(shop), perSecond: 200, timeoutMs: 60_000 });
      expect(await run(shop, proxy, "good2"), shop.log.text()).toMatchObject({ outcome: "succeeded" });
      expect(await run(shop, proxy, "crash"), shop.log.text()).toMatchObject({ outcome: "rolled_back" });
      expect(await run(shop, proxy, "unhealthy"), shop.log.text()).toMatchObject({ outcome: "rolled_back" });
      await answers(shop, "good2");
      const back = await rollback({ to: "previous", policy }, await portsOf(shop, proxy, "back"));
      expect(back, shop.log.text()).toMatchObject({ outcome: "succeeded" });
      await answers(shop, "good1");
      const requests = await loop.stop();
      console.info(`${name}: ${JSON.stringify(requests)}`);
      expect(requests.lostBecause).toEqual({});
      expect(requests.lost).toBe(0);
      expect(requests.byVersion.good2).toBeGreaterThan(0);
      expect(Object.keys(requests.byVersion).sort()).toEqual(["good1", "good2"]);
    },
  );
});
