import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { blobOfBytes } from "@belay/registry";
import {
  ensureTools,
  freePort,
  type RegistryRig,
  startRegistry,
  type TemporaryFolder,
  temporaryFolder,
  waitUntil,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPushStand, SHA_TAG, servedDigest } from "./push-stand.ts";

const MIB = 1024 * 1024;
const ports = { small: 0, limited: 0, several: 0, tls: 0 };
let rig: RegistryRig;
let folder: TemporaryFolder;
let nginx: ChildProcess;

/** nginx before a real registry: with small requests only, with few requests a second, and with TLS that it does not tell of. */
function configuration(): string {
  const pass = `proxy_pass ${rig.url}; proxy_set_header Host $http_host; proxy_request_buffering off;`;
  const files = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder.path}/${name};`,
  );
  return `
    daemon off; worker_processes 1; error_log stderr; pid ${folder.path}/nginx.pid;
    events { worker_connections 256; }
    http {
      access_log off; ${files.join(" ")}
      limit_req_zone $binary_remote_addr zone=few:1m rate=1r/s;
      limit_req_zone $binary_remote_addr zone=several:1m rate=10r/s;
      server {
        listen 127.0.0.1:${ports.small}; client_max_body_size 3m;
        location / { ${pass} }
      }
      limit_req_status 429;
      server {
        listen 127.0.0.1:${ports.limited}; client_max_body_size 0;
        limit_req zone=few burst=1 nodelay; error_page 429 @busy;
        location / { ${pass} }
        location @busy { add_header Retry-After 1 always; return 429; }
      }
      server {
        listen 127.0.0.1:${ports.several}; client_max_body_size 0;
        limit_req zone=several burst=5 nodelay; error_page 429 @busy;
        location / { ${pass} }
        location @busy { add_header Retry-After 1 always; return 429; }
      }
      server {
        listen 127.0.0.1:${ports.tls} ssl; client_max_body_size 0;
        ssl_certificate ${folder.path}/certificate.pem; ssl_certificate_key ${folder.path}/key.pem;
        location / { ${pass} }
      }
    }`;
}

beforeAll(async () => {
  const tools = await ensureTools(["nginx", "openssl"]);
  rig = await startRegistry();
  folder = await temporaryFolder("belay-proxy");
  await mkdir(join(folder.path, "logs"));
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
  const files = ["-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=127.0.0.1", "-days", "2"];
  const run = createRunner(new Redactor());
  await run(tools.openssl, ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files], { cwd: folder.path });
  await writeFile(join(folder.path, "nginx.conf"), configuration());
  nginx = spawn(tools.nginx, ["-p", folder.path, "-c", join(folder.path, "nginx.conf")], { stdio: "ignore" });
  const answers = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${ports.small}/v2/`)).ok;
  await waitUntil("nginx answers", answers, { withinMs: 60_000 });
});
afterAll(async () => {
  if (nginx !== undefined && nginx.exitCode === null) {
    const ended = once(nginx, "exit");
    nginx.kill("SIGTERM");
    await ended;
  }
  await rig?.stop();
  await folder?.remove();
});

describe("a push through a real proxy", () => {
  it.each([
    ["that takes no large requests goes in smaller ones", "small"],
    ["that ends TLS and does not tell the registry stays with TLS", "tls"],
  ] as const)("%s", async (_name, way) => {
    await using stand = await openPushStand();
    const web = await stand.layout(way, 8 * MIB);
    const release = stand.release(`127.0.0.1:${ports[way]}`, { [way]: web });
    const pushed = await stand.push(release, stand.client());
    expect(pushed.services[way]?.digest).toBe(web.digest);
    expect(await servedDigest(`${rig.url}/v2/acme/${way}/manifests/main`)).toBe(web.digest);
    if (way === "small") expect(stand.log.text()).toContain("answered 413");
  });

  it("that lets a few requests a second through leaves it whole in the end, with the tries that everybody has", async () => {
    await using stand = await openPushStand();
    const web = await stand.layout("several", MIB);
    const release = stand.release(`127.0.0.1:${ports.several}`, { several: web });
    const pushed = await stand.push(release, stand.client());
    expect(pushed.services.several?.digest).toBe(web.digest);
    for (const tag of [SHA_TAG, "main"])
      expect(await servedDigest(`${rig.url}/v2/acme/several/manifests/${tag}`)).toBe(web.digest);
    expect(stand.log.text()).toMatch(/answered 429.*again in \d+ ms/);
  });

  it("that lets a request a second through waits as it is told, at every step of an upload", async () => {
    await using stand = await openPushStand();
    const blob = blobOfBytes(randomBytes(MIB));
    const client = stand.client({ attempts: 20 });
    expect(await client.upload(`127.0.0.1:${ports.limited}/acme/limited`, blob)).toBe("uploaded");
    expect(await servedDigest(`${rig.url}/v2/acme/limited/blobs/${blob.digest}`)).toBe(blob.digest);
    expect(stand.log.text()).toMatch(/answered 429.*again in \d+ ms/);
  });
});
