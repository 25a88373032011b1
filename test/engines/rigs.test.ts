import { execFile, fork } from "node:child_process";
import { readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  BASE_IMAGES,
  type EngineRig,
  ensureTools,
  freePort,
  makeBaseImages,
  requestLoop,
  startEngine,
  startRegistry,
  temporaryFolder,
  waitUntil,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const TESTKIT = new URL("../../packages/testkit/src/index.ts", import.meta.url).href;
const SERVE = "require('http').createServer((q,r)=>r.end(process.env.V)).listen(8080)";
const NOTHING = { processes: [], mounts: [], links: [], rules: [] };

async function links(): Promise<string[]> {
  const { stdout } = await run("ip", ["-o", "link"]);
  return stdout.split("\n").map((line) => line.split(": ")[1] ?? "");
}

describe("an engine", () => {
  let engine: EngineRig;
  beforeAll(async () => {
    engine = await startEngine({ buildx: true });
    await makeBaseImages(engine);
  });
  afterAll(() => engine?.stop());

  test("has its plugins, and base images that run", async () => {
    expect((await engine.docker(["compose", "version"])).stdout).toMatch(/v?2\.\d+/);
    expect((await engine.docker(["buildx", "version"])).stdout).toContain("buildx");
    const node = await engine.docker([
      "run",
      "--rm",
      "--user",
      "node",
      BASE_IMAGES.node,
      "node",
      "-p",
      "process.version",
    ]);
    expect(node.stdout).toMatch(/^v24\./);
    expect((await engine.docker(["run", "--rm", BASE_IMAGES.haproxy, "haproxy", "-v"])).stdout).toContain(
      "HAProxy version 2",
    );
    expect((await engine.docker(["run", "--rm", BASE_IMAGES.busybox, "sh", "-c", "echo $((6*7))"])).stdout).toBe(
      "42\n",
    );
  });

  test("the base images are the same bytes on a second engine, and loading them is quick", async () => {
    await using second = await startEngine();
    const began = performance.now();
    await makeBaseImages(second);
    expect(performance.now() - began).toBeLessThan(20_000);
    const ids = (rig: EngineRig) =>
      rig.docker(["images", "--no-trunc", "--format", "{{.Repository}} {{.ID}}", "belay-test/*"]);
    const sorted = async (rig: EngineRig): Promise<string[]> => (await ids(rig)).stdout.trim().split("\n").sort();
    expect(await sorted(second)).toEqual(await sorted(engine));
  });

  test("containers reach each other by name, published ports answer, and the request loop counts what is lost", async () => {
    const port = await freePort();
    await engine.docker(["network", "create", "front"]);
    const publish = ["--publish", `127.0.0.1:${port}:8080`, "--env", "V=v1", BASE_IMAGES.node, "node", "-e", SERVE];
    await engine.docker(["run", "--detach", "--name", "web", "--network", "front", ...publish]);
    await waitUntil("the server answers", async () => (await fetch(`http://127.0.0.1:${port}`)).ok, {
      withinMs: 20_000,
    });
    const ask = ["run", "--rm", "--network", "front", BASE_IMAGES.busybox, "wget", "-qO-", "http://web:8080/"];
    expect((await engine.docker(ask)).stdout).toBe("v1");
    const loop = requestLoop({ url: `http://127.0.0.1:${port}/` });
    await waitUntil("requests went well", () => loop.counts().ok > 100, { withinMs: 20_000 });
    await engine.docker(["stop", "--time", "0", "web"]);
    await waitUntil("requests were lost", () => loop.counts().lost > 20, { withinMs: 20_000 });
    const result = await loop.stop();
    expect(result.sent).toBe(result.ok + result.lost);
    expect(result.byVersion).toEqual({ v1: result.ok });
    expect(Object.keys(result.lostBecause).join()).toContain("ECONN");
    expect(result.sent / result.seconds).toBeGreaterThan(150);
  });

  test("keeps its data when it is killed and started again, and leaves other engines' docker0 alone", async () => {
    const others = (await links()).filter((name) => name === "docker0");
    await engine.docker(["run", "--detach", "--name", "longlived", BASE_IMAGES.busybox, "sleep", "1000"]);
    await engine.kill();
    expect((await engine.traces()).processes.length).toBeGreaterThan(0);
    await engine.restart();
    const { stdout } = await engine.docker(["ps", "--all", "--format", "{{.Names}} {{.State}}"]);
    expect(stdout).toContain("longlived exited");
    expect((await links()).filter((name) => name === "docker0")).toEqual(others);
  });

  test("leaves nothing behind", async () => {
    await engine.docker([
      "run",
      "--detach",
      "--network",
      "front",
      "--volume",
      "data:/data",
      BASE_IMAGES.busybox,
      "sleep",
      "1000",
    ]);
    const before = await engine.traces();
    expect(before.processes.length).toBeGreaterThan(2);
    expect(before.links.length).toBeGreaterThan(1);
    await engine.stop();
    expect(await engine.traces()).toEqual(NOTHING);
    await expect(stat(engine.host.slice("unix://".length))).rejects.toMatchObject({ code: "ENOENT" });
    expect((await links()).filter((name) => before.links.includes(name))).toEqual([]);
  });
});

test("what a killed test run left is swept by the next one", async () => {
  await using folder = await temporaryFolder();
  const script = join(folder.path, "orphan.ts");
  const source = `import { startEngine, startRegistry } from ${JSON.stringify(TESTKIT)};
    const [engine, registry] = [await startEngine(), await startRegistry()];
    process.send?.([engine.host, registry.url]); setInterval(() => {}, 1000);`;
  await writeFile(script, source);
  const child = fork(script, []);
  const [host = "", url = ""] = await new Promise<string[]>((resolve) => {
    child.once("message", (found) => resolve(found as string[]));
  });
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  expect((await fetch(`${url}/v2/`)).status).toBe(200);
  await using engine = await startEngine();
  await using _registry = await startRegistry();
  await expect(fetch(`${url}/v2/`)).rejects.toThrow();
  // The lowest free place is taken: the orphan's own, unless an earlier one became free.
  expect(engine.host <= host).toBe(true);
  const { stdout } = await run("ps", ["-eo", "args"]);
  const place = join(host.slice("unix://".length), "..");
  expect(
    stdout.split("\n").filter((line) => line.includes(`dockerd --config-file ${place}/`)).length,
  ).toBeLessThanOrEqual(1);
});

describe("a registry", () => {
  test("keeps its content when it is killed, asks for a password, and is gone in the end", async () => {
    const auth = { user: "deployer", password: "pass:w ord\"'$x" };
    const registry = await startRegistry({ auth });
    const url = `${registry.url}/v2/`;
    const Authorization = `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString("base64")}`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { Authorization } })).status).toBe(200);
    const begin = await fetch(`${url}a/blobs/uploads/`, { method: "POST", headers: { Authorization } });
    const digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    const put = await fetch(`${begin.headers.get("location")}&digest=${digest}`, {
      method: "PUT",
      body: "foo",
      headers: { Authorization },
    });
    expect(put.status).toBe(201);
    await registry.kill();
    await expect(fetch(url)).rejects.toThrow();
    await registry.start();
    expect(await (await fetch(`${url}a/blobs/${digest}`, { headers: { Authorization } })).text()).toBe("foo");
    expect((await fetch(`${url}a/blobs/${digest}`, { method: "DELETE", headers: { Authorization } })).status).toBe(202);
    await registry.stop();
    await expect(fetch(url)).rejects.toThrow();
  });
});

test("tools are found and run; what can't be had is told with the way to get it", async () => {
  const tools = await ensureTools(["docker", "dockerd", "registry", "haproxy", "busybox", "compose", "buildx"]);
  for (const path of Object.values(tools)) expect((await stat(path)).isFile()).toBe(true);
});

test("the request loop does not wait for slow answers, and ends by itself", async () => {
  const server = createServer((_request, response) =>
    setTimeout(() => response.setHeader("x-version", "7").end("ok"), 300),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const loop = requestLoop({
    url: `http://127.0.0.1:${port}/`,
    perSecond: 100,
    maxSeconds: 1,
    versionHeader: "x-version",
  });
  await new Promise((resolve) => setTimeout(resolve, 1_800));
  const result = await loop.stop();
  server.close();
  expect(result.lost).toBe(0);
  expect(result.byVersion).toEqual({ "7": result.ok });
  expect(result.sent).toBeGreaterThan(80);
  expect(result.latencyMs.p50).toBeGreaterThan(290);
});

test("temporary folders are empty and go away", async () => {
  const folder = await temporaryFolder("belay-x");
  expect(await readdir(folder.path)).toEqual([]);
  await folder.remove();
  await folder.remove();
  await expect(stat(folder.path)).rejects.toMatchObject({ code: "ENOENT" });
});
