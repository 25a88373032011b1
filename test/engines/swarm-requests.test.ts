import { readFile } from "node:fs/promises";
import type { Digest, ImageIdentity } from "@belay/core";
import { rollback } from "@belay/rollout";
import {
  BASE_IMAGES,
  freePort,
  makeBaseImages,
  makeProxyImages,
  PROXY_IMAGES,
  requestLoop,
  waitUntil,
} from "@belay/testkit";
import { describe, expect } from "vitest";
import type { ImageCatalogue } from "../contract/images.ts";
import { POLICY } from "../contract/policy.ts";
import type { VariantName } from "../contract/variants.ts";
import { it, type Shop } from "./swarm-services.ts";

const WEB_PORT = 8080;
/** How long the application serves on after SIGTERM: many times what a proxy needs to forget it, for a busy machine. */
const FAREWELL_S = 8;
/** Where each proxy reads its configuration, and listens. */
const FILE = "/etc/proxy.conf";
const PROXY_PORT = 8080;

interface Proxy {
  readonly image: string;
  readonly command: readonly string[];
  /** For the tasks of the service `name`. */
  readonly config: (name: string) => Promise<string>;
}

const EXAMPLE = new URL("../../examples/swarm/proxy/haproxy.cfg", import.meta.url);

/** As examples/swarm has it, and as docs/swarm-traffic.md shows it. */
const PROXIES: Readonly<Record<string, Proxy>> = {
  haproxy: {
    image: BASE_IMAGES.haproxy,
    command: ["haproxy", "-W", "-db", "-f", FILE],
    config: async (name) => (await readFile(EXAMPLE, "utf8")).replace("web:8080", `${name}:${WEB_PORT}`),
  },
  nginx: {
    image: PROXY_IMAGES.nginx,
    command: ["-c", FILE],
    config: async (name) => `
user root;
daemon off;
error_log stderr warn;
worker_rlimit_nofile 65536;
events { worker_connections 20000; }
http {
  access_log off;
  server {
    listen ${PROXY_PORT};
    resolver 127.0.0.11 valid=1s ipv6=off;
    location / {
      set $upstream http://${name}:${WEB_PORT};
      proxy_pass $upstream;
      proxy_connect_timeout 2s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 4;
    }
  }
}`,
  },
};

/**
 * An application that costs next to nothing per request, so that what is lost is lost for the release and not for the
 * machine: haproxy answers by itself. It says its version, and serves on for a while when it is told to end.
 */
async function pushGraceful(shop: Shop, version: string): Promise<ImageIdentity> {
  const { engine } = shop;
  const config = [
    "defaults",
    "  mode http",
    "  timeout connect 5s",
    "  timeout client 60s",
    "  timeout server 60s",
    "frontend web",
    `  bind :${WEB_PORT}`,
    `  http-request return status 200 content-type text/plain string ${version}`,
    "",
  ];
  const script = [
    `printf '${config.join("\\n")}' > /web.cfg`,
    // The base image ends by SIGUSR1, and `docker commit` can't change that.
    `trap 'sleep ${FAREWELL_S}; exit 0' TERM USR1`,
    "haproxy -db -f /web.cfg &",
    "wait $!",
    // A signal ends the wait, and then its trap has run.
    "exit 1",
  ].join("\n");
  const probe = JSON.stringify(["wget", "-q", "-O-", `http://127.0.0.1:${WEB_PORT}/`]);
  const changes = [
    `CMD ${JSON.stringify(["/bin/sh", "-c", script])}`,
    `HEALTHCHECK --interval=1s --timeout=15s --retries=5 --start-period=30s CMD ${probe}`,
  ];
  const { repository: there } = await shop.images.identity("crash");
  const repository = there.replace(/contract$/, "web");
  const reference = `${repository}:${version}`;
  const container = (await engine.docker(["create", BASE_IMAGES.haproxy])).stdout.trim();
  await engine.docker(["commit", ...changes.flatMap((one) => ["--change", one]), container, reference]);
  await engine.docker(["rm", container]);
  await engine.docker(["push", "--quiet", reference]);
  const inspected = await engine.docker(["image", "inspect", reference]);
  const [{ RepoDigests, Id }] = JSON.parse(inspected.stdout) as [{ RepoDigests: string[]; Id: Digest }];
  const digest = RepoDigests.find((one) => one.startsWith(repository))?.split("@")[1] as Digest;
  return { repository, digest, tags: [version], platforms: { "linux/amd64": { config: Id, manifest: digest } } };
}

/** The contract suite's images, but those that go well serve as {@link pushGraceful} says. */
function gracefulOnes(shop: Shop): ImageCatalogue {
  const made = new Map<VariantName, Promise<ImageIdentity>>();
  const { images } = shop;
  return {
    ...images,
    identity: (name) => {
      if (!name.startsWith("good")) return images.identity(name);
      const known = made.get(name) ?? pushGraceful(shop, name);
      made.set(name, known);
      return known;
    },
  };
}

/** Three tasks in a network of their own, and a proxy in front of them that Belay knows nothing of. Where it answers. */
async function openBehind(shop: Shop, { image, command, config }: Proxy): Promise<string> {
  const { engine } = shop;
  const [network, proxy] = [`${shop.scope.project}_front`, `${shop.scope.project}_proxy`];
  await engine.docker(["network", "create", "--driver", "overlay", network]);
  const rules = ["--update-order", "start-first", "--stop-grace-period", `${FAREWELL_S + 20}s`];
  await shop.create("good1", ["--replicas", "3", "--network", network, ...rules]);
  await shop.docker.configs.create({ Name: proxy, Data: Buffer.from(await config(shop.name())) });
  const port = await freePort();
  const args = ["service", "create", "--detach", "--no-resolve-image", "--name", proxy, "--endpoint-mode", "dnsrr"];
  const place = ["--network", network, "--config", `source=${proxy},target=${FILE}`];
  const publish = ["--publish", `mode=host,published=${port},target=${PROXY_PORT}`];
  await engine.docker([...args, ...place, ...publish, image, ...command]);
  return `http://127.0.0.1:${port}/`;
}

async function isAnswered(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    return false;
  }
}

describe("requests, 200 a second, during good releases, bad ones and a way back by hand", () => {
  it.for(Object.entries(PROXIES))("are not lost behind %s", { timeout: 600_000 }, async ([name, proxy], { shop }) => {
    await makeBaseImages(shop.engine);
    await makeProxyImages(shop.engine);
    shop.images = gracefulOnes(shop);
    const url = await openBehind(shop, proxy);
    await waitUntil("the proxy answers", () => isAnswered(url), { withinMs: 90_000, everyMs: 200 });
    const loop = requestLoop({ url, perSecond: 200, timeoutMs: 60_000 });
    const good = await shop.deploy({ web: "good2" });
    const crash = await shop.deploy({ web: "crash" });
    const sick = await shop.deploy({ web: "unhealthy" });
    const better = await shop.deploy({ web: "good3" });
    const back = await rollback({ to: "previous", policy: POLICY }, shop.ports(await shop.target()));
    const { sent } = loop.counts();
    await waitUntil("two more seconds of requests", () => loop.counts().sent > sent + 400, { withinMs: 60_000 });
    const { lost, lostBecause, lostAtMs, ...requests } = await loop.stop();
    console.info(`${name}: ${lost} of ${requests.sent} lost, ${JSON.stringify(requests)}`);
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(crash, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
    expect(sick, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
    expect(better, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(back, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect({ lost, lostBecause, lostAtMs }).toEqual({ lost: 0, lostBecause: {}, lostAtMs: [] });
    expect(requests.ok).toBeGreaterThan(400);
    expect(Object.keys(requests.byVersion).sort()).toEqual(["good1", "good2", "good3"]);
  });
});
