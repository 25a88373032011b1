import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, request as forward, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createRunner, Redactor, systemClock } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { buildImages } from "@belay/images";
import { createAuthenticator, createRegistryClient, insecureRegistries, pushRelease } from "@belay/registry";
import {
  createTestLog,
  makeBaseImages,
  type RegistryRig,
  startRegistry,
  type TemporaryFolder,
  temporaryFolder,
  useEngine,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { servedDigest } from "./push-stand.ts";

const LIMITED_MS = 12_000;
const runner = createRunner(new Redactor());
let engine: Awaited<ReturnType<typeof useEngine>>;
let docker: Docker;
let rig: RegistryRig;
let folder: TemporaryFolder;
let limiter: Server;

beforeAll(async () => {
  engine = await useEngine({ buildx: true });
  docker = await connectDocker({ env: engine.env });
  rig = await startRegistry();
  folder = await temporaryFolder("belay-push-limited");
  limiter = startLimiter(rig);
  await once(limiter, "listening");
});
afterAll(async () => {
  limiter?.closeAllConnections();
  limiter?.close();
  await rig?.stop();
  await docker?.close();
  await engine?.stop();
  await folder?.remove();
});

/** A registry that refuses the first manifest, and from then on everything, until a time that it tells of. */
function startLimiter({ address }: RegistryRig): Server {
  const [host, port] = address.split(":");
  let opensAt: number | undefined;
  const server = createServer((incoming, outgoing) => {
    const { method, url = "/", headers } = incoming;
    if (method === "PUT" && url.includes("/manifests/")) opensAt ??= Date.now() + LIMITED_MS;
    const leftMs = (opensAt ?? 0) - Date.now();
    if (leftMs > 0) {
      incoming.resume();
      const more = { "Content-Type": "application/json", "Retry-After": Math.ceil(leftMs / 1_000) };
      outgoing.writeHead(429, more);
      outgoing.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
      return;
    }
    const passed = forward({ host, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", (error) => outgoing.destroy(error));
    incoming.pipe(passed);
  });
  return server.listen(0, "127.0.0.1");
}

describe("a push by the engine to a registry that limits requests", () => {
  it("waits until the registry wants it again, and is whole then", async () => {
    const log = createTestLog();
    const base = (await makeBaseImages(engine)).busybox;
    await writeFile(join(folder.path, "Dockerfile"), "ARG BASE\nFROM $BASE\nCOPY Dockerfile /app.txt\n");
    const image = `127.0.0.1:${(limiter.address() as AddressInfo).port}/acme/web`;
    const build = { context: folder.path, args: { BASE: base }, platforms: [] };
    const common = { docker, log, clock: systemClock };
    const release = await buildImages({
      ...{ ...common, runner, env: engine.env },
      application: { application: "shop", services: { web: { image, names: {}, build } }, directory: folder.path },
      source: { repository: "", revision: "0123456789ab".padEnd(40, "0"), ref: "refs/heads/main" },
      layoutOf: (service) => join(folder.path, "layouts", service),
    });
    const auth = createAuthenticator({ env: { DOCKER_CONFIG: folder.path }, runner, redactor: new Redactor() });
    const insecure = insecureRegistries(await docker.info());
    const registry = createRegistryClient({ ...common, auth, redactor: new Redactor(), insecure });
    const begun = Date.now();
    const pushed = await pushRelease({ ...common, release, registry, auth }).finally(registry.close);
    expect(Date.now() - begun).toBeGreaterThan(LIMITED_MS);
    expect(log.text()).toMatch(/web: .*(?:toomanyrequests: slow down|429 Too Many Requests).* \(try 1 of 7, again in/);
    expect(log.text()).toMatch(/answered 429: TOOMANYREQUESTS slow down\..*again in/);
    expect(log.text()).not.toContain("(try 2 of");
    const { digest } = pushed.services.web ?? {};
    expect(await servedDigest(`${rig.url}/v2/acme/web/manifests/main`)).toBe(digest);
    await engine.docker(["image", "rm", "--force", `${image}:sha-0123456789ab`, `${image}:main`]);
  });
});
