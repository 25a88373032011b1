import { once } from "node:events";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp, type Server, type Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { systemClock } from "@belay/core";
import { afterEach, describe, expect, it } from "vitest";
import { makeCertificate } from "./certificate.fixture.ts";
import { describeFailure, placeOf } from "./describe-failure.ts";
import { type Check, type ProbeContext, probe, titleOf } from "./index.ts";

const open: { server: Server; sockets: Set<Socket> }[] = [];

afterEach(() => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.on("error", () => socket.destroy()));
    socket.once("close", () => sockets.delete(socket));
  });
  open.push({ server, sockets });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const serve = (listener: RequestListener): Promise<number> => listen(createHttp(listener));
const raw = (onConnect: (socket: Socket) => void): Promise<number> => listen(createTcp(onConnect));
const closedPort = async (): Promise<number> => {
  const server = createTcp();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
};

const OK = Array.from({ length: 100 }, (_, index) => 200 + index);

function ask(check: Check, context: Partial<ProbeContext> = {}) {
  return probe(check, { timeoutMs: 1_500, signal: new AbortController().signal, clock: systemClock, ...context });
}

const http = (url: string, statuses: readonly number[] = OK): Check => ({ kind: "http", url, statuses });

describe("an http probe", () => {
  it("passes on a wanted status, on a new connection each time", async () => {
    const ports = new Set<number | undefined>();
    const port = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.writeHead(204).end();
    });
    for (const _ of [1, 2, 3]) {
      expect(await ask(http(`http://127.0.0.1:${port}/healthz`))).toMatchObject({ ok: true });
    }
    expect(ports.size).toBe(3);
  });

  it("tells status, wanted statuses and the beginning of the answer", async () => {
    const port = await serve((_request, response) => {
      response.writeHead(503).end(`db is\ndown \u001b[31m${"x".repeat(5_000)}`);
    });
    const { ok, detail } = await ask(http(`http://127.0.0.1:${port}/`, [...OK, 304]));
    expect(ok).toBe(false);
    expect(detail).toMatch(/^status 503, wanted 2xx, 304: db is down x+…$/);
    expect(detail.length).toBeLessThanOrEqual(300);
  });

  it("does not follow a redirect, and says so", async () => {
    const paths: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: "/login" }).end();
    });
    const url = `http://127.0.0.1:${port}/a?b=c`;
    const wanted = "status 302 to /login; redirects are not followed, wanted 200";
    expect(await ask(http(url, [200]))).toEqual({ ok: false, detail: wanted });
    expect(await ask(http(url, [302]))).toMatchObject({ ok: true });
    expect(paths).toEqual(["/a?b=c", "/a?b=c"]);
  });

  it("asks an instance by its address, with the Host of the URL if it names one", async () => {
    const hosts: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      hosts.push(request.headers.host);
      response.end("ok");
    });
    await ask(http(`http://shop.example:${port}/x`), { address: "127.0.0.1" });
    await ask(http(`http://:${port}/x`), { address: "127.0.0.1" });
    expect(hosts).toEqual([`shop.example:${port}`, `127.0.0.1:${port}`]);
    expect(await ask(http(`http://:${port}/x`))).toEqual({ ok: false, detail: `http://:${port}/x names no host` });
  });

  it("reads no more of an endless answer than it needs", async () => {
    const port = await serve((_request, response) => {
      const more = (): void => {
        if (!response.destroyed && response.write("y".repeat(16_384))) setImmediate(more);
      };
      response.on("drain", more);
      more();
    });
    expect(await ask(http(`http://127.0.0.1:${port}/`))).toMatchObject({ ok: true });
  });

  const failures: { name: string; connect: (socket: Socket) => void; detail: RegExp }[] = [
    { name: "hangs", connect: () => {}, detail: /^no answer within 150 ms$/ },
    {
      name: "sends half an answer and hangs",
      connect: (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"),
      detail: /^no answer within 150 ms$/,
    },
    {
      name: "is cut in the middle of the answer",
      connect: (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"),
      detail: /^the connection was cut \(127\.0\.0\.1:\d+\) in the middle of the answer \(status 200\)$/,
    },
    { name: "hangs up", connect: (socket) => socket.end(), detail: /^the connection was cut \(127\.0\.0\.1:\d+\)$/ },
    { name: "is no HTTP", connect: (socket) => socket.end("220 mail\r\n"), detail: /is not HTTP \(HPE_/ },
  ];
  it.each(failures)("fails when the other side $name", async ({ connect, detail }) => {
    const port = await raw((socket) => {
      socket.once("data", () => connect(socket));
    });
    const result = await ask(http(`http://127.0.0.1:${port}/`), { timeoutMs: 150 });
    expect(result.ok).toBe(false);
    expect(result.detail).toMatch(detail);
  });

  it("fails on a closed port", async () => {
    const port = await closedPort();
    const refused = { ok: false, detail: `connection refused (127.0.0.1:${port})` };
    expect(await ask(http(`http://127.0.0.1:${port}/`))).toEqual(refused);
  });

  it("ends at once, with the signal's reason, when it is aborted", async () => {
    const port = await raw(() => {});
    const stop = new AbortController();
    const asked = ask(http(`http://127.0.0.1:${port}/`), { signal: stop.signal, timeoutMs: 60_000 });
    stop.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });
});

describe("the words for a failure", () => {
  it.each([
    ["ENOTFOUND", "the host name is not known (shop:80)"],
    ["EHOSTUNREACH", "no route to the host (shop:80)"],
    ["HPE_INVALID_CONSTANT", "what shop:80 answered is not HTTP (HPE_INVALID_CONSTANT)"],
    ["ESOMETHING", "what Node says (shop:80)"],
    ["constructor", "what Node says (shop:80)"],
  ])("%s", (code, words) => {
    const error = Object.assign(new Error("what Node says"), { code });
    expect(describeFailure(error, placeOf("shop", 80))).toBe(words);
  });
});

describe("an https probe", () => {
  const day = 86_400_000;
  const secure = async (name: string, ends: number): Promise<{ port: number; cert: string }> => {
    const pair = makeCertificate({
      name,
      from: new Date(Date.now() - 10 * day),
      to: new Date(Date.now() + ends * day),
    });
    return { port: await listen(createHttps(pair, (_request, response) => void response.end("ok"))), cert: pair.cert };
  };

  it("names what is wrong with the certificate", async () => {
    const { port } = await secure("shop.example", 1);
    const { detail } = await ask(http(`https://shop.example:${port}/`), { address: "127.0.0.1" });
    expect(detail).toBe(`TLS: the certificate is self-signed (127.0.0.1:${port})`);
  });

  it("checks the certificate against the URL's name, whatever the address is", async () => {
    const before = getCACertificates("default");
    const good = await secure("shop.example", 1);
    const old = await secure("shop.example", -1);
    setDefaultCACertificates([...before, good.cert, old.cert]);
    try {
      const at = { address: "127.0.0.1" };
      expect(await ask(http(`https://shop.example:${good.port}/`), at)).toMatchObject({ ok: true });
      const other = await ask(http(`https://other.example:${good.port}/`), at);
      expect(other.detail).toContain("TLS: the certificate is for another name");
      const expired = await ask(http(`https://shop.example:${old.port}/`), at);
      expect(expired.detail).toContain("TLS: the certificate has expired");
    } finally {
      setDefaultCACertificates(before);
    }
  });

  it("says when the other side speaks no TLS", async () => {
    const port = await serve((_request, response) => void response.end("ok"));
    const { detail } = await ask(http(`https://127.0.0.1:${port}/`));
    expect(detail).toBe(`the other side does not speak TLS here (127.0.0.1:${port})`);
  });
});

describe("a tcp probe", () => {
  it("passes when something listens, by host or by the instance's address", async () => {
    const port = await raw(() => {});
    expect(await ask({ kind: "tcp", host: "127.0.0.1", port })).toMatchObject({ ok: true });
    expect(await ask({ kind: "tcp", host: "", port }, { address: "127.0.0.1" })).toMatchObject({ ok: true });
  });

  it("fails on a closed port", async () => {
    const port = await closedPort();
    const result = await ask({ kind: "tcp", host: "127.0.0.1", port });
    expect(result).toEqual({ ok: false, detail: `connection refused (127.0.0.1:${port})` });
    expect((await ask({ kind: "tcp", host: "", port })).detail).toContain("of which host?");
  });
});

describe("a command probe", () => {
  const check: Check = { kind: "command", command: ["check", "--deep"] };

  it("takes the exit code as the answer", async () => {
    const seen: unknown[] = [];
    const run = (exitCode: number, output: string) =>
      ask(check, {
        exec: async (command, { timeoutMs }) => {
          seen.push([command, timeoutMs]);
          return { exitCode, output };
        },
      });
    expect(await run(0, "")).toMatchObject({ ok: true });
    expect(await run(3, "no\ndb\n")).toEqual({ ok: false, detail: "exit code 3: no db" });
    expect(seen[0]).toEqual([["check", "--deep"], 1_500]);
  });

  it("fails when the command can't be run, hangs, or can't be run here", async () => {
    const broken = await ask(check, { exec: () => Promise.reject(new Error("the engine is gone")) });
    expect(broken).toEqual({ ok: false, detail: "the engine is gone" });
    const hanging = await ask(check, { exec: () => new Promise(() => {}), timeoutMs: 20 });
    expect(hanging).toEqual({ ok: false, detail: "no answer within 20 ms" });
    expect((await ask(check)).ok).toBe(false);
  });
});

describe("the title of a probe", () => {
  it("never shows user name and password", () => {
    expect(titleOf(http("http://ada:secret@shop.example/x"))).toBe("http GET http://shop.example/x");
    expect(titleOf({ kind: "tcp", host: "::1", port: 5 })).toBe("tcp [::1]:5");
    expect(titleOf({ kind: "command", command: ["a", "b"] })).toBe("command a b");
  });
});
