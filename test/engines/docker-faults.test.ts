import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { promisify } from "node:util";
import { connectDocker, type Docker } from "@belay/docker";
import {
  BASE_IMAGES,
  type EngineRig,
  freePort,
  makeBaseImages,
  startEngine,
  startRegistry,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";

/** Until a busy machine has come to it. */
const PATIENT = { timeout: 30_000 };

let engine: EngineRig;
let docker: Docker;

beforeAll(async () => {
  engine = await startEngine();
  await makeBaseImages(engine);
  docker = await connectDocker({ env: engine.env });
});

afterAll(async () => {
  await docker?.close();
  await engine?.stop();
});

test("an engine that is killed and comes back is used again by the same client, and its events go on", async () => {
  const stop = new AbortController();
  const since = Date.parse((await docker.info()).SystemTime) / 1_000;
  const seen: string[] = [];
  const following = (async () => {
    for await (const event of docker.events({ since, signal: stop.signal, filters: { type: ["container"] } }))
      seen.push(event.Action);
  })();
  const body = { Image: BASE_IMAGES.busybox, Cmd: ["sleep", "600"] };
  await docker.containers.create("waiting", body);
  const stopping = docker.containers
    .start("waiting")
    .then(() => docker.containers.stop("waiting", { graceSeconds: 60 }));
  await expect.poll(async () => (await docker.containers.inspect("waiting")).State.Running, PATIENT).toBe(true);
  const failed = expect(stopping).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  await expect.poll(() => seen.includes("kill"), PATIENT).toBe(true);
  await engine.kill();
  await failed;
  await expect(docker.info()).rejects.toMatchObject({
    code: "ENGINE_UNREACHABLE",
    message: expect.stringContaining("docker.sock"),
  });
  await engine.restart();
  expect((await docker.info()).OSType).toBe("linux");
  const before = seen.length;
  await docker.containers.create("after", body);
  await expect.poll(() => seen.length, PATIENT).toBeGreaterThan(before);
  stop.abort();
  await following;
});

test("a user who may not open the socket is told so", async () => {
  await using folder = await temporaryFolder();
  const cli = join(folder.path, "docker");
  await chmod(folder.path, 0o755);
  await writeFile(cli, '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups docker "$@"\n', {
    mode: 0o755,
  });
  // The client's configuration is root's own: the command line only warns about that.
  const env = { ...engine.env, DOCKER_CONFIG: folder.path };
  await expect(connectDocker({ cli, env })).rejects.toMatchObject({ code: "ENGINE_FORBIDDEN" });
});

test("a server that is no engine, an address that is none, and certificates that are not there", async () => {
  await using registry = await startRegistry();
  const host = `tcp://${registry.address}`;
  await expect(connectDocker({ host })).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  const nobody = connectDocker({ host: `tcp://127.0.0.1:${await freePort()}` });
  await expect(nobody).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  await expect(connectDocker({ host: "foo://x" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  const env = { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/nowhere" };
  await expect(connectDocker({ host, env })).rejects.toMatchObject({ code: "ENGINE_TLS" });
});

async function certificate(folder: string, name: string): Promise<{ key: Buffer; cert: Buffer }> {
  const [key, cert] = [join(folder, `${name}-key.pem`), join(folder, `${name}.pem`)];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  await promisify(execFile)("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", cert]);
  return { key: await readFile(key), cert: await readFile(cert) };
}

test("TLS: an engine whose certificate is trusted is used, one whose is not is refused, one without a client's too", async () => {
  await using folder = await temporaryFolder();
  const own = await certificate(folder.path, "engine");
  const other = await certificate(folder.path, "other");
  const server = createServer({ ...own, ca: own.cert, requestCert: true }, (socket) => {
    const inner = connect(engine.host.slice("unix://".length));
    socket.pipe(inner).pipe(socket);
    socket.once("error", () => inner.destroy());
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const host = `tcp://127.0.0.1:${port}`;
  const reach = async (name: string, ca: Buffer): Promise<Docker> => {
    const path = join(folder.path, name);
    await mkdir(path);
    await writeFile(join(path, "ca.pem"), ca);
    await writeFile(join(path, "cert.pem"), own.cert);
    await writeFile(join(path, "key.pem"), own.key);
    return connectDocker({ host, env: { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: path } });
  };
  const trusted = await reach("right", own.cert);
  expect((await trusted.info()).ID).toBe((await docker.info()).ID);
  await trusted.close();
  await expect(reach("wrong", other.cert)).rejects.toMatchObject({ code: "ENGINE_TLS" });
  await expect(connectDocker({ host })).rejects.toMatchObject({
    code: expect.stringMatching(/ENGINE_(TLS|UNREACHABLE)/),
  });
  server.close();
});
