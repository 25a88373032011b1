import { sha256 } from "@belay/core";
import { afterEach, describe, expect, it } from "vitest";
import type { Credentials } from "./authenticator.ts";
import { clientFor, type TestClient } from "./testing/client-for.ts";
import { type FakeRegistry, type FakeRegistryOptions, startFakeRegistry } from "./testing/fake-registry.ts";

const ADA: Credentials = { username: "ada", password: "s3cret", from: "the test" };
let registry: FakeRegistry;
let test: TestClient;

afterEach(async () => {
  test.client.close();
  await registry[Symbol.asyncDispose]();
});

async function start(options: FakeRegistryOptions = {}, credentials?: Credentials): Promise<void> {
  registry = await startFakeRegistry(options);
  test = clientFor(credentials);
}

/** Requests for the manifest `shop:v1`, with answers of whatever status. */
function tries(): number {
  return registry.requests.filter((line) => line === "GET /v2/shop/manifests/v1").length;
}

describe("resolving a reference", () => {
  it("follows an image down to its config", async () => {
    await start();
    const { manifest, config } = registry.addImage("acme/shop", "v1", "one");
    expect(await test.client.resolve(`${registry.address}/acme/shop:v1`)).toMatchObject({
      repository: `${registry.address}/acme/shop`,
      digest: manifest,
      platforms: { "linux/amd64": { config, manifest } },
    });
    expect(await test.client.resolve(`${registry.address}/acme/shop@${manifest}`)).toMatchObject({ digest: manifest });
  });

  it("follows an index to each platform, and passes attestations over", async () => {
    await start();
    const index = registry.addIndex("shop", "v1", ["linux/amd64", "linux/arm64/v8", "linux/arm/v7"]);
    const image = await test.client.resolve(`${registry.address}/shop:v1`);
    expect(image).toMatchObject({ index, digest: index });
    expect(Object.keys(image?.platforms ?? {}).sort()).toEqual(["linux/amd64", "linux/arm/v7", "linux/arm64"]);
  });

  it("says undefined for what is not there, and refuses what is no reference", async () => {
    await start();
    expect(await test.client.resolve(`${registry.address}/shop:none`)).toBeUndefined();
    await expect(test.client.resolve("not a reference")).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("does not believe content that is not what the digest says", async () => {
    await start();
    const { manifest } = registry.addImage("shop", "v1", "one");
    registry.fault({ when: /manifests\/sha256/, body: "{}", headers: { "Content-Type": "application/json" } });
    await expect(test.client.resolve(`${registry.address}/shop@${manifest}`)).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
    });
    registry.fault({ when: /manifests\/v1/, body: "{}", headers: { "Docker-Content-Digest": manifest } });
    await expect(test.client.resolve(`${registry.address}/shop:v1`)).rejects.toThrow(`not ${manifest}`);
    registry.fault({ when: /blobs/, body: "other" });
    await expect(test.client.blob(`${registry.address}/shop`, sha256("x"))).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
    });
  });
});

describe("logging in", () => {
  it("answers a token challenge for the repository and access that are needed", async () => {
    await start({ auth: "token", user: "ada", password: "s3cret" }, ADA);
    registry.addImage("shop", "v1", "one");
    await test.client.resolve(`${registry.address}/shop:v1`);
    await test.client.putBlob(`${registry.address}/shop`, Buffer.from("x"));
    const asked = registry.requests.filter((line) => line.includes("/token"));
    expect(asked.map((line) => new URL(line.slice(4), "http://x").searchParams.get("scope"))).toEqual([
      "repository:shop:pull",
      "repository:shop:pull,push",
    ]);
    expect(asked[0]).toContain("service=fake%2C+and+%22quoted%22");
    const bearer = registry.authorisations.find((value) => value?.startsWith("Bearer "))?.slice("Bearer ".length) ?? "";
    expect(test.redactor.redact(`token ${bearer}`)).toBe("token ***");
  });

  it("takes an anonymous token, an identity token, and Basic", async () => {
    await start({ auth: "token" });
    expect(await test.client.resolve(`${registry.address}/shop:v1`)).toBeUndefined();
    await registry[Symbol.asyncDispose]();
    await start(
      { auth: "token", user: "ada", identityToken: "refresh" },
      { ...ADA, password: "", identityToken: "refresh" },
    );
    expect(await test.client.resolve(`${registry.address}/shop:v1`)).toBeUndefined();
    await registry[Symbol.asyncDispose]();
    await start({ auth: "basic", user: "ada", password: "s3cret" }, ADA);
    expect(await test.client.resolve(`${registry.address}/shop:v1`)).toBeUndefined();
  });

  it("says who was refused and what to do, without the password, and does not try again", async () => {
    await start({ auth: "basic", user: "ada", password: "other" }, ADA);
    const refused = await test.client.resolve(`${registry.address}/shop:v1`).catch((error: Error) => error);
    expect(refused).toMatchObject({
      code: "REGISTRY_UNAUTHORISED",
      message: expect.stringContaining("as `ada` of the test"),
    });
    expect(String(refused)).not.toContain("s3cret");
    expect(tries()).toBe(2);
    await registry[Symbol.asyncDispose]();
    await start({ auth: "basic" });
    await expect(test.client.resolve(`${registry.address}/shop:v1`)).rejects.toThrow(
      `docker login ${registry.address}`,
    );
    await registry[Symbol.asyncDispose]();
    await start({ auth: "token", user: "ada", password: "other" }, ADA);
    await expect(test.client.resolve(`${registry.address}/shop:v1`)).rejects.toMatchObject({
      code: "REGISTRY_UNAUTHORISED",
    });
  });

  it("never shows the registry's credentials to the storage that it redirects to", async () => {
    await start({ auth: "basic", user: "ada", password: "s3cret" }, ADA);
    const storage = await startFakeRegistry();
    const digest = sha256("content");
    storage.fault({ when: /stored/, body: "content" });
    registry.blobs.set(`shop/${digest}`, Buffer.from("content"));
    const first = test.client.blob(`${registry.address}/shop`, digest);
    expect((await first)?.toString()).toBe("content");
    registry.fault({ when: /blobs/, status: 307, headers: { Location: `http://${storage.address}/stored` } });
    expect((await test.client.blob(`${registry.address}/shop`, digest))?.toString()).toBe("content");
    expect(storage.authorisations).toEqual([undefined]);
    await storage[Symbol.asyncDispose]();
  });
});

describe("a registry with problems", () => {
  it.each([
    ["500 twice", { status: 500, times: 2 }, [500, 1000]],
    ["cut connections", { cut: true, times: 2 }, [500, 1000]],
    ["429 with seconds", { status: 429, times: 1, headers: { "Retry-After": "7" } }, [7000]],
    ["429 with a date", { status: 429, times: 1, headers: { "Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT" } }, [9000]],
    ["minutes that it asked for", { status: 503, times: 1, headers: { "Retry-After": "500" } }, [500_000]],
  ])("is asked again after %s", async (_name, fault, sleeps) => {
    await start();
    registry.addImage("shop", "v1", "one");
    registry.fault({ when: /manifests\/v1/, ...fault });
    expect(await test.client.resolve(`${registry.address}/shop:v1`)).toBeDefined();
    expect(tries()).toBe(sleeps.length + 1);
    expect(test.clock.sleeps).toEqual(sleeps);
  });

  it.each([
    [
      "500",
      { status: 500, body: '{"errors":[{"code":"UNKNOWN","message":"disk full"}]}' },
      "REGISTRY_ERROR",
      "answered 500: UNKNOWN disk full",
    ],
    ["429", { status: 429 }, "REGISTRY_ERROR", "limits how often"],
    ["cut connections", { cut: true }, "REGISTRY_UNREACHABLE", "did not answer"],
  ])("that never heals (%s) is asked five times", async (_name, fault, code, words) => {
    await start();
    registry.fault({ when: /manifests\/v1/, ...fault });
    const failed = await test.client.resolve(`${registry.address}/shop:v1`).catch((error: Error) => error);
    expect(failed).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(tries()).toBe(5);
    expect(test.clock.sleeps).toEqual([500, 1000, 2000, 4000]);
  });

  it("that wants to be left alone for longer than Belay waits is not asked again", async () => {
    await start();
    registry.fault({ when: /manifests\/v1/, status: 429, headers: { "Retry-After": "3600" } });
    const failed = await test.client.resolve(`${registry.address}/shop:v1`).catch((error: Error) => error);
    expect(failed).toMatchObject({ code: "REGISTRY_ERROR", message: expect.stringContaining("again in 60 min") });
    expect(tries()).toBe(1);
  });

  it.each([
    [400, "REGISTRY_ERROR"],
    [403, "REGISTRY_UNAUTHORISED"],
    [405, "REGISTRY_ERROR"],
  ])("that answers %i is asked once", async (status, code) => {
    await start();
    registry.fault({ when: /manifests\/v1/, status });
    await expect(test.client.resolve(`${registry.address}/shop:v1`)).rejects.toMatchObject({ code });
    expect(tries()).toBe(1);
  });

  it("that answers more than is read was reached all the same, and is asked once", async () => {
    await start();
    registry.fault({ when: /manifests\/v1/, body: "x".repeat(16 * 1024 * 1024 + 1) });
    await expect(test.client.resolve(`${registry.address}/shop:v1`)).rejects.toMatchObject({
      code: "REGISTRY_ERROR",
      message: expect.stringContaining(`${registry.address}: the answer is larger than 16777216 bytes`),
    });
    expect(tries()).toBe(1);
  });

  it("that echoes what it was sent shows no secret", async () => {
    await start({ auth: "basic", user: "ada", password: "s3cret" }, ADA);
    test.redactor.add("s3cret");
    const echo = `you sent ${Buffer.from("ada:s3cret").toString("base64")} and s3cret`;
    registry.fault({ when: /manifests\/v1/, status: 400, body: echo });
    const failed = test.client.resolve(`${registry.address}/shop:v1`);
    await expect(failed).rejects.toThrow(/you sent \S*\*\*\*\S* and \*\*\*\.$/);
  });

  it("that is not there is told so, and a cancelled run does not wait for it", async () => {
    await start();
    const { address } = registry;
    await registry[Symbol.asyncDispose]();
    await expect(test.client.resolve(`${address}/shop:v1`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    expect(test.clock.sleeps).toHaveLength(4);
    const cancelled = clientFor(undefined, { signal: AbortSignal.abort(new Error("cancelled")) });
    await expect(cancelled.client.resolve(`${address}/shop:v1`)).rejects.toThrow("cancelled");
  });
});
