import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { type DatabaseStore, type DatabaseStoreOptions, ReportCache, type ScanImageOptions } from "@belay/scan";
import {
  createTestLog,
  fillDisk,
  freeDisk,
  freePort,
  type ImageFiles,
  type ImageLayout,
  mountDisk,
  pushTrivyDatabase,
  SCAN_FILES,
  startRegistry,
  temporaryFolder,
  unmountDisk,
  writeJavaDatabase,
  writeTrivyDatabase,
} from "@belay/testkit";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY_MS, gate, LODASH, type ScanStand, STAND_MS, startScanStand } from "./scan-stand.ts";

let stand: ScanStand;
beforeAll(async () => {
  stand = await startScanStand();
}, STAND_MS);
afterAll(() => stand?.[Symbol.asyncDispose]());

/** Changes an option of a disk that is mounted there. */
async function remount(folder: string, option: string): Promise<void> {
  await createRunner(new Redactor())("mount", ["-o", `remount,${option}`, folder]);
}

describe("the database", () => {
  let place: string;
  let repository: string;
  beforeEach(async () => {
    await using made = await temporaryFolder();
    place = join(stand.folder, stand.fresh("cache"));
    repository = `${stand.registry.address}/mirror/${stand.fresh("trivy-db")}:2`;
    await writeTrivyDatabase(made.path);
    const [, name = ""] = /^[^/]+\/(.+):2$/.exec(repository) ?? [];
    await pushTrivyDatabase(made.path, { url: stand.registry.url, repository: name, tag: "2" });
  });
  const from = (repositories: readonly string[], more: object = {}) =>
    stand.store({ cache: place, update: true, repositories: { vulnerabilities: repositories }, delayMs: 10, ...more });

  async function scanWith(knowledge: DatabaseStore) {
    const { path } = await stand.image({ "linux/amd64": [SCAN_FILES.oldLodash] });
    return stand.scan({ kind: "layout", path }, { knowledge: { store: knowledge } });
  }

  it("comes from a local registry, once for scans side by side, and is not asked for again", async () => {
    const count = async () =>
      ((await stand.registry.log()).match(new RegExp(`GET /v2/${name}/blobs/`, "g")) ?? []).length;
    const name = repository.slice(stand.registry.address.length + 1, -2);
    const results = await Promise.all([1, 2, 3].map(() => scanWith(from([repository]))));
    for (const result of results) expect(gate(result)).toMatchObject({ result: "vulnerable" });
    const once = await count();
    expect(once).toBeGreaterThan(0);
    await scanWith(from([repository]));
    expect(await count()).toBe(once);
    expect((await readdir(join(place, "belay", "db"))).filter((one) => !/^\d+$/.test(one))).toEqual([]);
  });

  it("comes from the next mirror after a 429, a 404 and a refused connection", async () => {
    await using busy = await startBusyRegistry();
    const none = `${stand.registry.address}/none/trivy-db:2`;
    const closed = `127.0.0.1:${await freePort()}/trivy-db:2`;
    const result = await scanWith(from([`${busy.address}/trivy-db:2`, none, closed, repository]));
    expect(gate(result)).toMatchObject({ result: "vulnerable" });
    expect(busy.requests()).toBeGreaterThan(0);
  });

  it("comes over plain HTTP only from a host that may speak it, with its login", async () => {
    const auth = { user: "belay", password: "correct horse" };
    await using rig = await startRegistry();
    await using made = await temporaryFolder();
    await writeTrivyDatabase(made.path);
    await pushTrivyDatabase(made.path, { url: rig.url, repository: "trivy-db", tag: "2" });
    await rig.protect(auth);
    // Of hosts on loopback and in private networks Trivy itself believes that they speak it.
    await using proxy = await startHttpProxy(rig.url);
    const host = "registry.closed.example:5000";
    const config = join(stand.folder, stand.fresh("docker"));
    await mkdir(config);
    const trivy = await stand.open({
      env: { DOCKER_CONFIG: config, HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: "" },
    });
    const asked: string[] = [];
    const insecure = (registry: string) => asked.push(registry) > 0;
    const take = async (more: object) => {
      const store = from([`${host}/trivy-db:2`], { trivy, attempts: 1, ...more });
      return store.take("vulnerabilities").then(({ schema }) => schema);
    };
    await expect(take({})).rejects.toMatchObject({ code: "SCAN_FAILED" });
    expect(proxy.requests()).toBe(0);
    await expect(take({ insecure })).rejects.toMatchObject({ obstacle: "unauthorised" });
    const login = Buffer.from(`${auth.user}:${auth.password}`).toString("base64");
    await writeFile(join(config, "config.json"), JSON.stringify({ auths: { [host]: { auth: login } } }));
    expect(await take({ insecure })).toBe(2);
    expect(asked).toEqual([host, host]);
  });

  it("can't be had when all mirrors are busy, after as many tries as were allowed: not scanned, and not vulnerable", async () => {
    await using busy = await startBusyRegistry();
    const retries = createTestLog();
    const result = await scanWith(from([`${busy.address}/trivy-db:2`], { attempts: 2, log: retries }));
    expect(gate(result)).toMatchObject({
      result: "could_not_scan",
      exitCode: 11,
      obstacles: [{ obstacle: "rate_limited", message: expect.stringContaining("TOOMANYREQUESTS") }],
    });
    expect(retries.text().match(/try \d failed/g)).toEqual(["try 1 failed"]);
  });

  it("can't be had where there is none", async () => {
    const none = `${stand.registry.address}/none/trivy-db:2`;
    expect((await scanWith(from([none]))).obstacles).toMatchObject([{ obstacle: "no_database" }]);
    expect((await scanWith(from([], { update: false }))).obstacles).toMatchObject([{ obstacle: "no_database" }]);
  });

  it("can't be had on a disk that is full or can only be read: not scanned, and not vulnerable", async () => {
    await using undo = new AsyncDisposableStack();
    await mountDisk(place, 1 << 20, `belay-cache-${process.pid}`);
    undo.defer(() => unmountDisk(place));
    const told = { obstacle: "unusable_folder", message: expect.stringContaining("`cache-dir`") };
    const unknown = { result: "could_not_scan", exitCode: 11 };
    await fillDisk(place);
    const full = await scanWith(from([repository]));
    expect(full.obstacles).toEqual([{ ...told, message: expect.stringContaining("no space left on device") }]);
    expect(gate(full)).toMatchObject(unknown);
    await freeDisk(place);
    await remount(place, "ro");
    const never = await scanWith(from([repository]));
    expect(never.obstacles).toEqual([told]);
    expect(never.obstacles[0]?.message).toContain(`the folder ${place} can't be used: it can only be read (EROFS`);
    expect(gate(never)).toMatchObject(unknown);

    // What is here does, for as long as it is not too old, and nothing has to be written for that.
    await remount(place, "rw");
    await writeTrivyDatabase(join(place, "db"), { updatedAt: new Date(Date.now() - 2 * DAY_MS) });
    await remount(place, "ro");
    for (const update of [true, false]) {
      expect(gate(await scanWith(from([repository], { update })))).toMatchObject({ result: "vulnerable" });
    }
  });

  it("and a scan need a folder for temporary files: one that is full is told", async () => {
    await using undo = new AsyncDisposableStack();
    const folder = join(stand.folder, stand.fresh("tmp"));
    await mountDisk(folder, 1 << 20, `belay-tmp-${process.pid}`);
    undo.defer(() => unmountDisk(folder));
    await remount(folder, "nr_inodes=1");
    vi.stubEnv("TMPDIR", folder);
    undo.defer(() => void vi.unstubAllEnvs());
    const found = await scanWith(stand.store());
    const words = `the folder ${folder} can't be used: its disk is full (ENOSPC`;
    expect(found.obstacles).toMatchObject([{ obstacle: "unusable_folder", message: expect.stringContaining(words) }]);
    expect(found.obstacles[0]?.message).toContain("TMPDIR");
    expect(gate(found)).toMatchObject({ result: "could_not_scan", exitCode: 11 });
  });

  it("that is older than allowed is not used; with a younger limit's failure it is named", async () => {
    const old = new Date(Date.now() - 10 * DAY_MS);
    await writeTrivyDatabase(join(place, "db"), { updatedAt: old });
    const stale = gate(await scanWith(from([], { update: false })));
    expect(stale).toMatchObject({ result: "could_not_scan", obstacles: [{ obstacle: "stale_database" }] });
    const used = gate(await scanWith(from([], { update: false, maxAgeMs: 11 * DAY_MS })));
    expect(used).toMatchObject({ result: "vulnerable", database: { schema: 2 } });
    expect(used.database?.ageMs).toBeGreaterThan(9 * DAY_MS);
    const closed = `127.0.0.1:${await freePort()}/trivy-db:2`;
    const both = await scanWith(from([closed], { attempts: 1 }));
    expect(both.obstacles).toMatchObject([{ obstacle: "stale_database", message: expect.stringContaining("refused") }]);
    const fresh = await scanWith(from([repository]));
    expect(gate(fresh).database?.ageMs).toBeLessThan(DAY_MS);
  });

  it("of yesterday finds nothing that became known today", async () => {
    await writeTrivyDatabase(join(place, "db"), { without: LODASH });
    const before = await scanWith(from([], { update: false }));
    expect(gate(before)).toMatchObject({ result: "passed" });
    const today = await scanWith(stand.store());
    const baseline = before.scans.map((one) => one.report);
    expect(gate(today, { onlyNew: true }, { baseline })).toMatchObject({
      comparison: { impossible: expect.anything() },
    });
  });

  it("that is damaged is no clean image", async () => {
    await writeTrivyDatabase(join(place, "db"));
    await writeFile(join(place, "db", "trivy.db"), "no database");
    expect((await scanWith(from([], { update: false }))).obstacles).toMatchObject([{ obstacle: "no_database" }]);
    await rm(join(place, "db", "trivy.db"));
    expect((await scanWith(from([], { update: false }))).obstacles).toMatchObject([{ obstacle: "no_database" }]);
  });
});

it("of Java archives has an age that is told, and one that is too old names none", async () => {
  const jar = zipSync({ "META-INF/MANIFEST.MF": strToU8("Manifest-Version: 1.0\n") });
  const sha1 = createHash("sha1").update(jar).digest("hex");
  const log4j = { group: "org.apache.logging.log4j", artifact: "log4j-core", version: "2.14.1", sha1 };
  const cache = join(stand.folder, stand.fresh("cache"));
  await writeTrivyDatabase(join(cache, "db"));
  await writeJavaDatabase(join(cache, "java-db"), [log4j]);
  const reports = new ReportCache(join(cache, "reports"));
  const archive = await stand.image({ "linux/amd64": [{ "app/no-name.jar": jar }] });
  const script = await stand.image({ "linux/amd64": [SCAN_FILES.newLodash] });
  const scan = async ({ path, platforms }: ImageLayout, more: Partial<DatabaseStoreOptions> = {}) => {
    const expected = platforms as NonNullable<ScanImageOptions["expected"]>;
    const knowledge = { store: stand.store({ cache, ...more }) };
    const found = await stand.scan({ kind: "layout", path }, { knowledge, reports, expected });
    return { ...gate(found), cached: found.scans.map((one) => one.cached) };
  };
  const seen = { result: "vulnerable", seen: ["CVE-2021-44228 fails"], javaDatabase: { schema: 1 } };
  expect(await scan(archive)).toMatchObject({ ...seen, cached: [false] });
  // Named from an earlier report, too.
  expect(await scan(archive)).toMatchObject({ ...seen, cached: [true] });
  expect(await scan(script)).not.toHaveProperty("javaDatabase");
  const metadata = join(cache, "java-db", "metadata.json");
  const written = JSON.parse(await readFile(metadata, "utf8"));
  const UpdatedAt = new Date(Date.now() - 15 * DAY_MS).toISOString();
  await writeFile(metadata, JSON.stringify({ ...written, UpdatedAt }));
  const stale = { obstacle: "stale_database", message: expect.stringContaining("max-java-db-age") };
  expect(await scan(archive)).toMatchObject({ result: "could_not_scan", exitCode: 11, obstacles: [stale] });
  expect(await scan(archive, { maxJavaAgeMs: 16 * DAY_MS })).toMatchObject({
    ...seen,
    javaDatabase: { updatedAt: UpdatedAt },
  });
  // An image without an archive has no need of it.
  expect(await scan(script)).toMatchObject({ result: "passed" });
});

it("is read for its digest once, whoever asks, and not at all to tell it from another", async () => {
  const cache = join(stand.folder, stand.fresh("cache"));
  await writeTrivyDatabase(join(cache, "db"));
  const file = join(cache, "db", "trivy.db");
  const madeAt = new Date("2026-01-01T00:00:00Z");
  await utimes(file, madeAt, madeAt);
  const store = stand.store({ cache });
  const database = await store.take("vulnerabilities");
  const asked = [1, 2, 3].map(() => store.digest("vulnerabilities", database));
  const expected = `sha256:${createHash("sha256")
    .update(await readFile(file))
    .digest("hex")}`;
  expect(await Promise.all(asked)).toEqual([expected, expected, expected]);
  // Other runs of this process, with stores of their own, note it at the same time.
  await rm(join(cache, "belay", "digests"), { recursive: true });
  const others = [1, 2, 3, 4].map(() => stand.store({ cache }).digest("vulnerabilities", database));
  expect(new Set(await Promise.all(others))).toEqual(new Set([expected]));
  // Neither what it holds nor what was noted is looked at again.
  const { size } = await stat(file);
  await rm(join(cache, "belay", "digests"), { recursive: true });
  await writeFile(file, Buffer.alloc(size));
  await utimes(file, madeAt, madeAt);
  expect(await store.digest("vulnerabilities", database)).toBe(expected);
  const mark = await store.mark("vulnerabilities", database);
  expect(await store.mark("vulnerabilities", database)).toBe(mark);
  await utimes(file, madeAt, new Date(madeAt.getTime() + 1_000));
  expect(await store.mark("vulnerabilities", database)).not.toBe(mark);
  expect(await store.digest("vulnerabilities", database)).not.toBe(expected);
  await rm(file);
  expect(await store.mark("vulnerabilities", database)).toBeUndefined();
});

it("of Java archives is fetched when an image has one, once, and not before", async () => {
  const jar = zipSync({ "META-INF/MANIFEST.MF": strToU8("Manifest-Version: 1.0\n") });
  const sha1 = createHash("sha1").update(jar).digest("hex");
  await using made = await temporaryFolder();
  const log4j = { group: "org.apache.logging.log4j", artifact: "log4j-core", version: "2.14.1", sha1 };
  await writeJavaDatabase(made.path, [log4j]);
  await pushTrivyDatabase(made.path, { url: stand.registry.url, repository: "java-db", tag: "1", kind: "java" });
  const cache = join(stand.folder, stand.fresh("cache"));
  await writeTrivyDatabase(join(cache, "db"));
  const repositories = { java: [`${stand.registry.address}/java-db:1`] };
  const knowledge = { store: stand.store({ cache, update: true, repositories }) };
  const scan = async (...layers: readonly ImageFiles[]) => {
    const { path } = await stand.image({ "linux/amd64": layers });
    return gate(await stand.scan({ kind: "layout", path }, { knowledge }));
  };
  expect(await scan(SCAN_FILES.newLodash)).toMatchObject({ result: "passed" });
  expect((await readdir(cache, { recursive: true })).filter((path) => path.includes("java-db"))).toEqual([]);
  const archives = { "app/no-name.jar": jar };
  const results = await Promise.all([scan(archives), scan(archives, SCAN_FILES.newLodash)]);
  for (const result of results) expect(result.seen).toEqual(["CVE-2021-44228 fails"]);
  expect((await stand.registry.log()).match(/GET \/v2\/java-db\/blobs\//g)?.length).toBe(1);
});

/** Stands between: what asks it over plain HTTP for any host is answered by the registry at `url`. */
async function startHttpProxy(url: string) {
  let requests = 0;
  const server = createServer(async ({ method = "GET", url: asked = "", headers }, response) => {
    requests++;
    const { pathname, search } = new URL(asked);
    const { host: _host, "proxy-connection": _proxy, connection: _connection, ...kept } = headers;
    const sent = Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, String(value)]));
    const got = await fetch(`${url}${pathname}${search}`, { method, headers: sent, redirect: "manual" });
    const body = Buffer.from(await got.arrayBuffer());
    const names = ["content-type", "docker-content-digest", "www-authenticate"];
    const told = names.flatMap((name) => (got.headers.has(name) ? [[name, got.headers.get(name) ?? ""]] : []));
    response.writeHead(got.status, { ...Object.fromEntries(told), "content-length": body.length });
    response.end(method === "HEAD" ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A registry that has had enough of everybody (distribution spec, "Error Codes": TOOMANYREQUESTS). */
async function startBusyRegistry() {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(429, { "content-type": "application/json" });
    response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 1ms, allowed: 44000/minute"}]}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
