import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256 } from "@belay/core";
import { temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BlobSource, blobOfBytes, blobOfFile } from "./blob-source.ts";
import { clientFor, type TestClient } from "./testing/client-for.ts";
import { type FakeRegistry, startFakeRegistry } from "./testing/fake-registry.ts";

const KIB = 1024;
const LARGE = randomBytes(3_000 * KIB);
let registry: FakeRegistry;
let test: TestClient;

beforeEach(async () => {
  registry = await startFakeRegistry();
  test = clientFor();
});
afterEach(async () => {
  test.client.close();
  await registry[Symbol.asyncDispose]();
});

const upload = (source: BlobSource, more = {}) =>
  test.client.upload(`${registry.address}/web`, source, { chunkBytes: 1_000 * KIB, ...more });
/** Methods and kinds of requests, without digests. */
const asked = () =>
  registry.requests
    .filter((line) => !line.endsWith("/v2/"))
    .map((line) => line.replace(/^(\w+) \S+\/blobs\/(uploads\/)?\S*/, "$1 $2").trim());
const stored = (digest: Digest) => registry.blobs.get(`web/${digest}`);

describe("a blob", () => {
  it("that is small goes with one request after the place was asked for", async () => {
    expect(await upload(blobOfBytes(Buffer.from("config")))).toBe("uploaded");
    expect(asked()).toEqual(["HEAD", "POST uploads/", "PUT uploads/"]);
    expect(stored(sha256("config"))?.toString()).toBe("config");
  });

  it("that is empty can be uploaded too", async () => {
    expect(await upload(blobOfBytes(Buffer.of()))).toBe("uploaded");
    expect(stored(sha256(""))).toHaveLength(0);
  });

  it("that is large goes in one piece, and tells how far it is", async () => {
    const progress: number[] = [];
    const source = blobOfBytes(LARGE);
    expect(await upload(source, { onProgress: (bytes: number) => progress.push(bytes) })).toBe("uploaded");
    expect(asked()).toEqual(["HEAD", "POST uploads/", "PATCH uploads/", "PUT uploads/"]);
    expect(stored(source.digest)).toEqual(LARGE);
    expect(progress.at(-1)).toBe(LARGE.length);
  });

  it("that is there is not uploaded again", async () => {
    const source = blobOfBytes(LARGE);
    registry.blobs.set(`web/${source.digest}`, LARGE);
    expect(await upload(source)).toBe("there");
    expect(asked()).toEqual(["HEAD"]);
  });

  it("is mounted from a repository that has it, and uploaded when that has it not", async () => {
    const source = blobOfBytes(LARGE);
    registry.blobs.set(`acme/base/${source.digest}`, LARGE);
    const from = [`${registry.address}/acme/none`, `${registry.address}/acme/base`];
    expect(await upload(source, { from })).toBe("mounted");
    registry.blobs.clear();
    expect(await upload(source, { from })).toBe("uploaded");
    registry.fault({ when: /mount=/, status: 405 });
    registry.blobs.clear();
    expect(await upload(source, { from })).toBe("uploaded");
  });

  it("is read from a file piece by piece", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "blob");
    await writeFile(path, LARGE);
    expect(await upload(blobOfFile(path, sha256(LARGE), LARGE.length))).toBe("uploaded");
    expect(stored(sha256(LARGE))).toEqual(LARGE);
  });
});

describe("an upload that is cut", () => {
  it("goes on from where the registry says that it is, in chunks from then on", async () => {
    registry.fault({ when: /^PATCH/, cutAfter: 700 * KIB, times: 1 });
    const source = blobOfBytes(LARGE);
    expect(await upload(source)).toBe("uploaded");
    expect(stored(source.digest)).toEqual(LARGE);
    const patches = asked().filter((line) => line.startsWith("PATCH"));
    // 700 kB in the first, then two whole chunks and the rest.
    expect(patches).toHaveLength(4);
    expect(asked().filter((line) => line === "POST uploads/")).toHaveLength(1);
    expect(asked().filter((line) => line === "GET uploads/")).toHaveLength(1);
  });

  it("begins anew at a registry that keeps nothing of it, or has forgotten it", async () => {
    registry.uploads.keepsPartial = false;
    registry.fault({ when: /^PATCH/, cutAfter: 700 * KIB, times: 1 });
    const source = blobOfBytes(LARGE);
    expect(await upload(source)).toBe("uploaded");
    registry.blobs.clear();
    registry.fault({ when: /^GET .*uploads/, status: 404, body: "", times: 1 });
    registry.fault({ when: /^PATCH/, cutAfter: 700 * KIB, times: 1 });
    expect(await upload(source)).toBe("uploaded");
    expect(stored(source.digest)).toEqual(LARGE);
  });

  it("whose last answer was lost is found to be whole", async () => {
    const source = blobOfBytes(LARGE);
    registry.fault({ when: /^PUT/, cut: true, times: 1 });
    registry.fault({ when: /^GET/, status: 404, times: 1 });
    const uploading = upload(source);
    expect(await uploading).toBe("uploaded");
    expect(stored(source.digest)).toEqual(LARGE);
  });

  it("always is given up after as many tries as it may have", async () => {
    registry.uploads.keepsPartial = false;
    registry.fault({ when: /^PATCH/, cutAfter: 700 * KIB });
    await expect(upload(blobOfBytes(LARGE))).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    expect(asked().filter((line) => line.startsWith("PATCH"))).toHaveLength(5);
  });

  it("or lost in a registry that forgets again and again is given up", async () => {
    registry.fault({ when: /^PATCH/, status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' });
    await expect(upload(blobOfBytes(LARGE))).rejects.toThrow("BLOB_UPLOAD_UNKNOWN");
    expect(asked().filter((line) => line.startsWith("PATCH"))).toHaveLength(5);
  });

  it("waits as long as the registry asks for, and a bit longer than others that it told the same", async () => {
    registry.fault({ when: /^PATCH/, status: 429, headers: { "Retry-After": "90" }, times: 1 });
    expect(await upload(blobOfBytes(LARGE))).toBe("uploaded");
    expect(test.clock.sleeps).toEqual([180_000]);
    expect(asked().filter((line) => line === "HEAD")).toHaveLength(1);
  });

  it("by a proxy that takes no large requests goes in smaller ones", async () => {
    registry.fault({ when: /^PATCH/, status: 413, times: 1 });
    const large = randomBytes(5_000 * KIB);
    expect(await upload(blobOfBytes(large), { chunkBytes: 4_500 * KIB })).toBe("uploaded");
    expect(asked().filter((line) => line.startsWith("PATCH"))).toHaveLength(6);
    registry.fault({ when: /^PATCH/, status: 413 });
    await expect(upload(blobOfBytes(LARGE))).rejects.toThrow("raise its limit");
  });
});

describe("a blob that is not what its digest says", () => {
  const digest = sha256(LARGE);
  const wrong = (bytes: Buffer): BlobSource => ({ ...blobOfBytes(bytes), digest, size: LARGE.length });

  it.each([
    ["other content", Buffer.concat([LARGE.subarray(0, -1), Buffer.of(1 ^ (LARGE.at(-1) ?? 0))])],
    ["fewer bytes", LARGE.subarray(0, -1)],
    ["more bytes", Buffer.concat([LARGE, Buffer.of(0)])],
  ])("because it has %s is not stored, and nothing of it is left", async (_name, bytes) => {
    await expect(upload(wrong(bytes))).rejects.toMatchObject({ code: "RELEASE_INVALID" });
    expect(registry.blobs.size).toBe(0);
    expect(registry.uploads.open).toBe(0);
  });

  it("is told when it is small, or can't be read", async () => {
    const small = { ...blobOfBytes(Buffer.from("one")), digest };
    await expect(upload(small)).rejects.toMatchObject({ code: "RELEASE_INVALID" });
    await expect(upload(blobOfFile("/nowhere/at/all", digest, LARGE.length))).rejects.toThrow("build the image again");
  });

  it("is found even when the upload was cut and goes on from the middle", async () => {
    registry.fault({ when: /^PATCH/, cutAfter: 700 * KIB, times: 1 });
    const first = Buffer.concat([Buffer.of(1 ^ (LARGE[0] ?? 0)), LARGE.subarray(1)]);
    await expect(upload(wrong(first))).rejects.toMatchObject({ code: "RELEASE_INVALID" });
    expect(registry.blobs.size).toBe(0);
  });
});

it("never shows the registry's password to another place that an upload goes to", async () => {
  await using closed = await startFakeRegistry({ auth: "basic", user: "ada", password: "secret" });
  await using storage = await startFakeRegistry();
  const ada = clientFor({ username: "ada", password: "secret", from: "the test" });
  closed.fault({ when: /^POST/, status: 202, headers: { Location: `http://${storage.address}/storage/upload` } });
  storage.fault({ when: /storage/, status: 201 });
  expect(await ada.client.upload(`${closed.address}/web`, blobOfBytes(Buffer.from("config")))).toBe("uploaded");
  expect(storage.requests).toEqual([`PUT /storage/upload?digest=${encodeURIComponent(sha256("config"))}`]);
  expect(storage.authorisations).toEqual([undefined]);
  expect(closed.authorisations).toContain(`Basic ${Buffer.from("ada:secret").toString("base64")}`);
  ada.client.close();
});
