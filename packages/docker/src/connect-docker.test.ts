import { stat } from "node:fs/promises";
import { request } from "node:http";
import { dirname } from "node:path";
import { isBelayError, messageOf, Redactor } from "@belay/core";
import { type FakeDocker, type FakeDockerOptions, startFakeDocker, waitUntil } from "@belay/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { type ConnectOptions, connectDocker, type Docker } from "./connect-docker.ts";
import { isConflict, isNotFound } from "./engine-error.ts";

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function fake(options: FakeDockerOptions = {}): Promise<FakeDocker> {
  const docker = await startFakeDocker(options);
  open.push({ close: () => docker.stop() });
  return docker;
}

async function connect(engine: FakeDocker, options: ConnectOptions = {}): Promise<Docker> {
  const docker = await connectDocker({ cli: engine.cli, ...options });
  open.push(docker);
  return docker;
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    return { code: isBelayError(error) ? error.code : "none", message: messageOf(error) };
  }
  throw new Error("it did not fail");
}

const json = (value: unknown): string => JSON.stringify(value);

describe("connecting", () => {
  test("speaks the lower of the engine's version and its own", async () => {
    const old = await fake({ apiVersion: "1.41", answer: (_request, response) => response.end(json([])) });
    const docker = await connect(old);
    await docker.containers.list();
    expect(docker.apiVersion).toBe("1.41");
    expect(old.requests).toEqual(["GET /_ping", "GET /v1.41/containers/json?all=true"]);
    expect((await connect(await fake({ apiVersion: "1.52" }))).apiVersion).toBe("1.47");
  });

  test.each([
    ["101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c", true],
    ["200 OK\r\nContent-Length: 0", false],
    ["403 Forbidden\r\nContent-Length: 0", false],
  ])("an engine has a BuildKit for its clients or not: %s", async (head, expected) => {
    const asked: unknown[] = [];
    const engine = await fake({
      answer: (request, response) => {
        asked.push(request.method, request.url, request.headers.connection, request.headers.upgrade);
        response.socket?.write(`HTTP/1.1 ${head}\r\n\r\n`);
      },
    });
    expect(await (await connect(engine)).hasBuildKit()).toBe(expected);
    expect(asked).toEqual(["POST", "/v1.43/grpc", "Upgrade", "h2c"]);
  });

  test("an engine that is lost meanwhile does not tell whether it has a BuildKit", async () => {
    const engine = await fake({ answer: (request) => request.socket.destroy() });
    expect(await failure((await connect(engine)).hasBuildKit())).toMatchObject({ code: "ENGINE_UNREACHABLE" });
  });

  test("gives the context or host to the command line as its own argument", async () => {
    const engine = await fake();
    await connect(engine, { context: "a b;c" });
    const other = await connect(engine, { host: "tcp://host:2376" });
    expect(await engine.dials()).toEqual([
      "--context a b;c system dial-stdio",
      "--host tcp://host:2376 system dial-stdio",
    ]);
    expect(await other.cliArguments()).toEqual(["--host", "tcp://host:2376"]);
  });

  test("gives other programs a socket on this machine that leads to an engine elsewhere", async () => {
    const engine = await fake();
    const docker = await connect(engine, { host: "tcp://host:2376" });
    const env = await docker.dialEnvironment();
    expect(await docker.dialEnvironment()).toEqual(env);
    expect(env).toMatchObject({ DOCKER_CONTEXT: "", DOCKER_CERT_PATH: "", DOCKER_TLS_VERIFY: "" });
    const socketPath = String(env.DOCKER_HOST).replace("unix://", "");
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(socketPath))).mode & 0o777).toBe(0o700);
    const status = await new Promise((resolve, reject) => {
      request({ socketPath, path: "/_ping" }, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
    await docker.close();
    await expect(stat(dirname(socketPath))).rejects.toMatchObject({ code: "ENOENT" });
    // A socket of this machine is one already, and where nothing is named there is nothing to name.
    const local = await connect(engine, { host: "unix:///run/own.sock" });
    expect(await local.dialEnvironment()).toMatchObject({ DOCKER_HOST: "unix:///run/own.sock" });
    const unnamed = await connect(engine, { env: { DOCKER_HOST: "", DOCKER_CONTEXT: "", DOCKER_CONFIG: "/nowhere" } });
    expect(await unnamed.dialEnvironment()).toEqual({});
  });

  test("refuses an engine that is too old, with both versions and what it can't do", async () => {
    const error = await failure(connect(await fake({ apiVersion: "1.40" })));
    const message = expect.stringMatching(
      /1\.40 at most, and 1\.41 is needed: .*jobs.*`cap_add`.*`ulimits`.*`platform`/,
    );
    expect(error).toMatchObject({ code: "ENGINE_TOO_OLD", message });
  });

  test("says that no docker command line is there", async () => {
    const error = await failure(connectDocker({ cli: "/nowhere/docker" }));
    expect(error).toMatchObject({ code: "TOOL_MISSING", message: expect.stringContaining("/nowhere/docker") });
  });

  test("something that is no engine", async () => {
    const web = await fake({ ping: false, answer: (_request, response) => response.end("hello") });
    expect(await failure(connect(web))).toMatchObject({ code: "ENGINE_UNREACHABLE" });
    const noise = await fake({ ping: false, answer: (request) => request.socket.end("220 mail ready\r\n") });
    const error = await failure(connect(noise));
    expect(error).toMatchObject({
      code: "ENGINE_UNREACHABLE",
      message: expect.stringContaining("not a Docker engine"),
    });
  });

  const dial = "failed to open the raw stream connection: ";
  const ssh = "error while Copy: command [ssh -l deploy -- host docker system dial-stdio] has exited: stderr=";
  test.each([
    [`${dial}dial unix /x/docker.sock: connect: no such file or directory`, "ENGINE_UNREACHABLE", "/x/docker.sock"],
    [`${dial}dial tcp 192.0.2.1:2376: connect: connection refused`, "ENGINE_UNREACHABLE", "192.0.2.1:2376"],
    [`${dial}dial tcp: lookup nohost.example: no such host`, "ENGINE_UNREACHABLE", "nohost.example"],
    [`${dial}dial unix /var/run/docker.sock: connect: permission denied`, "ENGINE_FORBIDDEN", "group `docker`"],
    [`${dial}tls: failed to verify certificate: x509: certificate signed by unknown authority`, "ENGINE_TLS", "x509"],
    [`${ssh}Host key verification failed.`, "ENGINE_HOST_KEY", "known_hosts"],
    [
      `${ssh}@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @ Host key verification failed.`,
      "ENGINE_HOST_KEY",
      "changed",
    ],
    [`${ssh}deploy@host: Permission denied (publickey).`, "ENGINE_FORBIDDEN", "ssh refused the login"],
    [`${ssh}ssh: connect to host 192.0.2.1 port 22: Connection timed out`, "ENGINE_UNREACHABLE", "192.0.2.1"],
    ['unable to resolve docker endpoint: context "nope" does not exist', "INVALID_INPUT", "docker context ls"],
    ["docker: 'dial-stdio' is not a docker command.", "TOOL_TOO_OLD", "18.09"],
    ["something new", "ENGINE_UNREACHABLE", "something new"],
  ])("tells what this means: %s", async (stderr, code, words) => {
    const engine = await fake();
    await engine.refuse(stderr);
    const error = await failure(connect(engine));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(await engine.dials()).toHaveLength(1);
  });

  test("redacts what the command line says", async () => {
    const redactor = new Redactor();
    redactor.add("hunter2-secret");
    const engine = await fake();
    await engine.refuse("bad password hunter2-secret");
    expect((await failure(connect(engine, { redactor }))).message).not.toContain("hunter2-secret");
  });

  test("ends with the caller's signal and with the deadline", async () => {
    const silent = await fake({ ping: false, answer: () => undefined });
    const signal = AbortSignal.timeout(50);
    await expect(connect(silent, { signal })).rejects.toBe(
      await new Promise((r) => signal.addEventListener("abort", () => r(signal.reason))),
    );
    expect(await failure(connect(silent, { deadlineMs: 50 }))).toMatchObject({ code: "TIMED_OUT" });
  });
});

describe("requests", () => {
  test("share one connection, and slow ones don't hold them up", async () => {
    const engine = await fake({
      answer: (request, response) => {
        if (!request.url?.includes("/stop")) response.end(json({ Name: "x" }));
      },
    });
    const docker = await connect(engine);
    const stop = failure(docker.containers.stop("slow", {}, { deadlineMs: 2_000 }));
    await Promise.all(Array.from({ length: 20 }, () => docker.info()));
    // A new process takes its time to say so: the ordinary requests were answered before the slow one's came up.
    await waitUntil("the slow one has its own", async () => (await engine.dials()).length === 2, { withinMs: 5_000 });
    await docker.close();
    expect((await stop).code).toBe("ENGINE_UNREACHABLE");
  });

  test("an answer that is cut: a GET is asked once more, a POST is not", async () => {
    const engine = await fake({
      answer: (request, response) => {
        response.writeHead(200, { "Content-Length": 100 }).write("{");
        request.socket.destroySoon();
      },
    });
    const docker = await connect(engine);
    expect(await failure(docker.info())).toMatchObject({ code: "ENGINE_UNREACHABLE" });
    expect(engine.requests.filter((line) => line.endsWith("/info"))).toHaveLength(2);
    const error = await failure(docker.containers.create("a", { Image: "b" }));
    expect(error.message).toMatch(/may have been carried out or not/);
    expect(engine.requests.filter((line) => line.startsWith("POST"))).toHaveLength(1);
  });

  test("a connection that died while it was idle is replaced", async () => {
    const engine = await fake({ answer: (_request, response) => response.end(json({ Name: "x" })) });
    const docker = await connect(engine);
    engine.cut();
    expect((await docker.info()).Name).toBe("x");
    expect(await engine.dials()).toHaveLength(2);
  });

  test("an engine that is gone is said to be gone", async () => {
    const engine = await fake({ answer: (_request, response) => response.end(json({})) });
    const docker = await connect(engine);
    await engine.refuse("failed to open the raw stream connection: dial unix /x.sock: connect: connection refused");
    engine.cut();
    const error = await failure(docker.containers.start("a"));
    expect(error).toMatchObject({ code: "ENGINE_UNREACHABLE", message: expect.stringContaining("/x.sock") });
  });

  test("one that is given up, waiting or under way, does not harm the others", async () => {
    const engine = await fake({
      answer: (request, response) => {
        if (!request.url?.includes("stuck")) response.end(json({ Name: "x" }));
      },
    });
    const docker = await connect(engine);
    const stop = new AbortController();
    const stuck = expect(docker.containers.inspect("stuck", { signal: stop.signal })).rejects.toThrow("enough");
    const waiting = expect(docker.containers.inspect("waiting", { signal: stop.signal })).rejects.toThrow("enough");
    const late = expect(docker.containers.inspect("late", { deadlineMs: 30 })).rejects.toMatchObject({
      code: "TIMED_OUT",
    });
    const well = docker.info();
    await late;
    stop.abort(new Error("enough"));
    await Promise.all([stuck, waiting]);
    expect((await well).Name).toBe("x");
    expect(engine.requests.some((line) => line.includes("waiting"))).toBe(false);
  });

  test("a client that was closed says so", async () => {
    const docker = await connect(await fake());
    await docker.close();
    expect((await failure(docker.info())).message).toContain("has been closed");
  });

  test("carry the engine's status and words", async () => {
    const engine = await fake({
      answer: (request, response) => {
        const status = Number(/containers\/s(\d+)/.exec(request.url ?? "")?.[1]);
        response.writeHead(status).end(status === 502 ? "<html>bad gateway" : json({ message: `no ${status}` }));
      },
    });
    const docker = await connect(engine);
    await expect(docker.containers.inspect("s404")).rejects.toSatisfy(isNotFound);
    await expect(docker.containers.inspect("s409")).rejects.toSatisfy(isConflict);
    await expect(docker.containers.inspect("s500")).rejects.toMatchObject({ status: 500, engineMessage: "no 500" });
    await expect(docker.containers.inspect("s502")).rejects.toMatchObject({ engineMessage: "<html>bad gateway" });
    expect(engine.requests.filter((line) => line.includes("s500"))).toHaveLength(1);
  });

  test("an engine that wants TLS, one that has outgrown us, and an answer that is no JSON", async () => {
    const answers: Record<string, [number, string]> = {
      tls: [400, "Client sent an HTTP request to an HTTPS server.\n"],
      new: [400, json({ message: "client version 1.47 is too old. Minimum supported API version is 1.60" })],
      odd: [200, "{oops"],
    };
    const engine = await fake({
      answer: (request, response) => {
        const [status, body] = answers[/containers\/(\w+)/.exec(request.url ?? "")?.[1] ?? ""] ?? [500, ""];
        response.writeHead(status).end(body);
      },
    });
    const docker = await connect(engine);
    expect(await failure(docker.containers.inspect("tls"))).toMatchObject({ code: "ENGINE_TLS" });
    expect((await failure(docker.containers.inspect("new"))).message).toContain("newer version of Belay");
    expect(await failure(docker.containers.inspect("odd"))).toMatchObject({ code: "ENGINE_ERROR" });
  });

  test("a name can't leave its place in the path", async () => {
    const engine = await fake({ answer: (_request, response) => response.end(json({})) });
    const docker = await connect(engine);
    await docker.containers.inspect("../a?b=c#d/e");
    await docker.images.inspect("host:5000/x/y@sha256:00");
    expect(engine.requests.slice(1)).toEqual([
      "GET /v1.43/containers/..%2Fa%3Fb%3Dc%23d%2Fe/json",
      "GET /v1.43/images/host%3A5000/x/y%40sha256%3A00/json",
    ]);
  });
});
