import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AttachedEngine, BASE_IMAGES, freePort, PROXY_IMAGES, temporaryFolder } from "@belay/testkit";
import { PORT } from "../contract/variants.ts";

/** Where each proxy reads its configuration, and listens. */
const FILE = "/etc/proxy.conf";
const PROXY_PORT = 8080;

export interface FrontProxy {
  readonly image: string;
  readonly command: readonly string[];
  /** For the tasks of the service `name`. */
  readonly config: (name: string) => Promise<string>;
}

const EXAMPLE = new URL("../../examples/swarm/proxy/haproxy.cfg", import.meta.url);

/** As examples/swarm has it, and as docs/swarm-traffic.md shows it. */
export const SWARM_PROXIES: Readonly<Record<"haproxy" | "nginx", FrontProxy>> = {
  haproxy: {
    image: BASE_IMAGES.haproxy,
    command: ["haproxy", "-W", "-db", "-f", FILE],
    config: async (name) => (await readFile(EXAMPLE, "utf8")).replace("web:8080", `${name}:${PORT}`),
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
      set $upstream http://${name}:${PORT};
      proxy_pass $upstream;
      proxy_connect_timeout 2s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 4;
    }
  }
}`,
  },
};

interface Front {
  /** The stack or project whose name those of the proxy and of the network begin with. */
  readonly project: string;
  /** Full name of the service that it leads to. */
  readonly service: string;
}

/** A network for a service and its proxy. Its name. */
export async function makeFrontNetwork(engine: AttachedEngine, project: string): Promise<string> {
  const network = `${project}_front`;
  await engine.docker(["network", "create", "--driver", "overlay", network]);
  return network;
}

/** A proxy before a service, in the network of {@link makeFrontNetwork}, that Belay knows nothing of. Where it answers. */
export async function startProxy(engine: AttachedEngine, front: Front, proxy: FrontProxy): Promise<string> {
  const { project, service } = front;
  const [network, name] = [`${project}_front`, `${project}_proxy`];
  await using folder = await temporaryFolder("belay-proxy");
  const file = join(folder.path, "proxy.conf");
  await writeFile(file, await proxy.config(service));
  await engine.docker(["config", "create", name, file]);
  const port = await freePort();
  const args = ["service", "create", "--detach", "--no-resolve-image", "--name", name, "--endpoint-mode", "dnsrr"];
  const place = ["--network", network, "--config", `source=${name},target=${FILE}`];
  const publish = ["--publish", `mode=host,published=${port},target=${PROXY_PORT}`];
  await engine.docker([...args, ...place, ...publish, proxy.image, ...proxy.command]);
  return `http://127.0.0.1:${port}/`;
}
