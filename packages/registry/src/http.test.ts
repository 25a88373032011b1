import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHttp } from "./http.ts";

let address: string;
let seen: string[];
let close: () => Promise<void>;

beforeEach(async () => {
  seen = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers["content-length"] ?? "-"}`);
    if (request.url?.endsWith("/silent")) return;
    if (request.url?.endsWith("/endless")) return void response.end(Buffer.alloc(17 * 1024 * 1024));
    response.end("hello");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterEach(() => close());

const request = (url: string, more = {}) => ({
  method: "GET" as const,
  url: new URL(url),
  headers: {},
  deadlineMs: 5_000,
  anyCertificate: false,
  ...more,
});

describe("one exchange", () => {
  it("goes through the proxy that the environment names, except to this machine", async () => {
    const http = createHttp({ HTTP_PROXY: `http://${address}`, http_proxy: `http://${address}` });
    expect((await http.send(request("http://registry.invalid/v2/"))).body.toString()).toBe("hello");
    await http.send(request(`http://${address}/v2/`));
    expect(seen).toEqual(["GET http://registry.invalid/v2/ -", "GET /v2/ -"]);
    http.close();
  });

  it("takes a certificate that nobody vouches for only where any is right", async () => {
    await using folder = await temporaryFolder("belay-http");
    const [key, cert] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", key, "-out", cert, "-subj", "/CN=127.0.0.1", "-days", "2"];
    execFileSync("openssl", ["req", "-x509", ...curve, ...files], { stdio: "ignore" });
    const pair = { key: await readFile(key), cert: await readFile(cert) };
    const server = createHttps(pair, (_request, response) => void response.end("hello"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`;
    const http = createHttp({});
    try {
      expect((await http.send(request(url, { anyCertificate: true }))).body.toString()).toBe("hello");
      await expect(http.send(request(url))).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    } finally {
      http.close();
      server.closeAllConnections();
      server.close();
    }
  });

  it("says how long its body is, and that there is none", async () => {
    const http = createHttp({});
    await http.send(request(`http://${address}/a`, { method: "PUT", body: Buffer.from("größe") }));
    await http.send(request(`http://${address}/b`, { method: "POST" }));
    expect(seen).toEqual(["PUT /a 7", "POST /b 0"]);
    http.close();
  });

  it("ends at its deadline, with the caller's signal, and before it fills the memory", async () => {
    const http = createHttp({});
    const late = http.send(request(`http://${address}/silent`, { deadlineMs: 50 }));
    await expect(late).rejects.toMatchObject({ code: "ETIMEDOUT" });
    const stop = new AbortController();
    const waiting = http.send(request(`http://${address}/silent`, { signal: stop.signal }));
    stop.abort(new Error("cancelled"));
    await expect(waiting).rejects.toThrow("cancelled");
    await expect(http.send(request(`http://${address}/endless`))).rejects.toMatchObject({ code: "E2BIG" });
    http.close();
  });
});
