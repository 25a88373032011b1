import { createRelease, type Digest, type ImageIdentity, type Release, releaseDigest, systemClock } from "@belay/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pushRelease } from "./push-release.ts";
import { clientFor, type TestClient } from "./testing/client-for.ts";
import { type FakeEngine, fakeEngine } from "./testing/fake-engine.ts";
import { type FakeRegistry, startFakeRegistry } from "./testing/fake-registry.ts";

const SHA_TAG = "sha-0123456789ab";
let registry: FakeRegistry;
let test: TestClient;
let engine: FakeEngine;

beforeEach(async () => {
  registry = await startFakeRegistry();
  test = clientFor();
  engine = fakeEngine();
});
afterEach(async () => {
  test.client.close();
  await registry[Symbol.asyncDispose]();
});

/** An image that the engine has; pushing it puts `content` at the registry. */
function built(name: string, content = name, pushed = content): ImageIdentity {
  const [mine, put] = [content, pushed].map((text) => imageOf(text));
  engine.local.set(mine?.config as Digest, (reference) => {
    registry.addImage(name, reference.slice(reference.lastIndexOf(":") + 1), put?.content ?? "");
  });
  return {
    repository: `${registry.address}/${name}`,
    platforms: { "linux/amd64": { config: mine?.config as Digest } },
    tags: [SHA_TAG, "main"],
  };
}

/** What the fake registry makes of an image with this content. */
function imageOf(content: string): { content: string; config: Digest } {
  return { content, config: registry.addImage("elsewhere", "x", content).config };
}

function releaseOf(services: Record<string, ImageIdentity>): Release {
  const source = { repository: "", revision: "0123456789ab".padEnd(40, "0") };
  return createRelease({ stage: "build", application: "shop", source, services, evidence: {}, createdAt: "2026" });
}

function push(services: Record<string, ImageIdentity>) {
  const { client, auth, log, clock } = test;
  return pushRelease({
    release: releaseOf(services),
    docker: engine,
    registry: client,
    auth,
    log,
    clock,
    random: () => 1,
  });
}

describe("pushing a release", () => {
  it("records the digests that the registry serves, and gives every tag to the same manifest", async () => {
    const image = built("web");
    const pushed = await push({ web: image });
    const served = registry.manifests.get(`web/${SHA_TAG}`)?.bytes;
    expect(registry.manifests.get("web/main")?.bytes).toEqual(served);
    const { digest, platforms } = pushed.services.web ?? {};
    expect(platforms).toEqual({ "linux/amd64": { ...image.platforms["linux/amd64"], manifest: digest } });
    expect(pushed).toMatchObject({ stage: "push", parent: releaseDigest(releaseOf({ web: image })) });
    expect(pushed.evidence.push?.pushedAt).toBe("2026-01-01T00:00:00.000Z");
    expect(engine.pushes).toEqual([`${registry.address}/web:${SHA_TAG}`]);
  });

  it("does not push what is there already, and still moves the other tags", async () => {
    const image = built("web");
    const first = await push({ web: image });
    registry.manifests.delete("web/main");
    engine.pushes.length = 0;
    expect((await push({ web: image })).services.web).toEqual(first.services.web);
    expect(engine.pushes).toEqual([]);
    expect(registry.manifests.has("web/main")).toBe(true);
  });

  it.each([
    ["moved to another image", () => void registry.addImage("api", SHA_TAG, "somebody else's")],
    ["deleted", () => void registry.manifests.delete(`api/${SHA_TAG}`)],
  ])("finds that a SHA tag which was there already was %s while another image was pushed", async (_name, change) => {
    const [api, web] = [built("api"), built("web")];
    await push({ api });
    registry.manifests.delete("api/main");
    const { push: pushing } = engine.images;
    engine.images = {
      ...engine.images,
      push: async (reference, options) => {
        change();
        return pushing(reference, options);
      },
    };
    await expect(push({ api, web })).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
      doing: `reading ${api.repository}:${SHA_TAG} back after the push`,
    });
    expect(registry.manifests.has("api/main")).toBe(false);
  });

  it("refuses to move a SHA tag, before anything of any service is pushed", async () => {
    registry.addImage("api", SHA_TAG, "another build of this commit");
    await expect(push({ web: built("web"), api: built("api") })).rejects.toMatchObject({
      code: "TAG_TAKEN",
      message: expect.stringContaining("nothing was pushed), and a SHA tag is never moved"),
    });
    expect(engine.pushes).toEqual([]);
    expect(registry.manifests.has(`web/${SHA_TAG}`)).toBe(false);
  });

  it("finds that the registry serves something else than was scanned and pushed", async () => {
    await expect(push({ web: built("web", "scanned", "slipped in") })).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
      message: expect.stringContaining("the config of linux/amd64"),
    });
    expect(registry.manifests.has("web/main")).toBe(false);
  });

  it("moves no other tag when one image of the release can't be pushed", async () => {
    const [api, web] = [built("api"), built("web", "scanned", "slipped in")];
    await expect(push({ api, web })).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
    expect(registry.manifests.has(`api/${SHA_TAG}`)).toBe(true);
    expect(registry.manifests.has("api/main")).toBe(false);
  });

  it("finds a tag that somebody else moved in between", async () => {
    registry.onPut = (reference) => {
      if (reference === "main") registry.addImage("web", "main", "somebody else's");
    };
    await expect(push({ web: built("web") })).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
  });

  it("finds a SHA tag that somebody else took before the engine pushes, and leaves it theirs", async () => {
    const image = built("web");
    const tag = engine.images.tag;
    let theirs: string | undefined;
    const taken = async (source: string, target: string): Promise<void> => {
      await tag(source, target);
      theirs = registry.addImage("web", SHA_TAG, "somebody else's").manifest;
    };
    const { client, auth, log, clock } = test;
    const docker = { images: { tag: taken, push: engine.images.push } };
    const release = releaseOf({ web: image });
    const pushing = pushRelease({ release, docker, registry: client, auth, log, clock });
    await expect(pushing).rejects.toMatchObject({ code: "TAG_TAKEN" });
    expect(engine.pushes).toEqual([]);
    expect((await client.manifest(image.repository, SHA_TAG))?.digest).toBe(theirs);
  });

  it("looks for images of others, and pushes none of them", async () => {
    const { manifest } = registry.addImage("redis", "7", "redis");
    const redis = { repository: `${registry.address}/redis`, platforms: {}, digest: manifest, tags: ["7"] };
    expect((await push({ cache: redis })).services.cache).toEqual(redis);
    expect(engine.pushes).toEqual([]);
    const missing = { ...redis, digest: `sha256:${"0".repeat(64)}` as const };
    await expect(push({ cache: missing })).rejects.toThrow("Correct the digest in belay.yaml");
  });

  it("refuses several platforms that are not on disk, with what to do", async () => {
    const image = built("web");
    const platforms = { ...image.platforms, "linux/arm64": { config: `sha256:${"1".repeat(64)}` as const } };
    await expect(push({ web: { ...image, platforms } })).rejects.toMatchObject({
      code: "PUSH_FAILED",
      message: expect.stringContaining("--driver docker-container"),
    });
    expect(engine.pushes).toEqual([]);
  });

  it("says when the engine does not have the image", async () => {
    const image = built("web");
    engine.local.clear();
    await expect(push({ web: image })).rejects.toThrow("Push from the engine that built it");
  });
});

describe("a push that fails", () => {
  it.each([
    "received unexpected HTTP status: 503 Service Unavailable",
    'Put "https://x/v2/": net/http: TLS handshake timeout',
    "write tcp: connection reset by peer",
    "unexpected EOF",
  ])("with %j is tried again", async (failure) => {
    engine.failures.push(failure, failure);
    await push({ web: built("web") });
    expect(engine.pushes).toHaveLength(3);
    expect(test.clock.sleeps).toEqual([1000, 2000]);
  });

  it.each([
    ["by another image", "somebody else's", 1],
    ["by this very one", "web", 2],
  ])("asks before each try whether the SHA tag was taken meanwhile: %s", async (_name, content, pushes) => {
    const image = built("web");
    const { push: first } = engine.images;
    let theirs: string | undefined;
    engine.failures.push("received unexpected HTTP status: 502 Bad Gateway");
    engine.images = {
      ...engine.images,
      push: async (reference, options) => {
        theirs ??= registry.addImage("web", SHA_TAG, content).manifest;
        return first(reference, options);
      },
    };
    if (pushes === 1) await expect(push({ web: image })).rejects.toMatchObject({ code: "TAG_TAKEN" });
    else await push({ web: image });
    expect(engine.pushes).toHaveLength(pushes);
    expect((await test.client.manifest(image.repository, SHA_TAG))?.digest).toBe(theirs);
  });

  it("is not tried again for what the registry answers when it is asked for the tag", async () => {
    const image = built("web");
    const { push: first } = engine.images;
    engine.failures.push("received unexpected HTTP status: 502 Bad Gateway");
    engine.images = {
      ...engine.images,
      push: async (reference, options) => {
        registry.fault({ when: /^GET \S+\/manifests\/sha-/, status: 503 });
        return first(reference, options);
      },
    };
    await expect(push({ web: image })).rejects.toMatchObject({ code: "REGISTRY_ERROR" });
    expect(engine.pushes).toHaveLength(1);
    // The engine's, and then the five tries of the registry's client.
    expect(test.clock.sleeps).toHaveLength(1 + 4);
  });

  it("for ever is tried four times and told with the registry's words", async () => {
    engine.failures.push(...Array<string>(9).fill("received unexpected HTTP status: 500 Internal Server Error"));
    await expect(push({ web: built("web") })).rejects.toMatchObject({
      code: "PUSH_FAILED",
      message: expect.stringContaining("500 Internal Server Error. The registry has a problem of its own"),
    });
    expect(engine.pushes).toHaveLength(4);
  });

  it("with a number like a status, and nothing that passes, is not tried again", async () => {
    engine.failures.push("manifest invalid: the layer has 502 bytes, not 512");
    await expect(push({ web: built("web") })).rejects.toMatchObject({ code: "PUSH_FAILED" });
    expect(engine.pushes).toHaveLength(1);
  });

  it.each(["denied: requested access to the resource is denied", "unauthorized: authentication required"])(
    "with %j is not tried again",
    async (failure) => {
      engine.failures.push(failure);
      await expect(push({ web: built("web") })).rejects.toMatchObject({ code: "REGISTRY_UNAUTHORISED" });
      expect(engine.pushes).toHaveLength(1);
    },
  );
});

describe("a push that the registry limits", () => {
  const LIMITED = "toomanyrequests: slow down";

  it("waits for longer each time, and goes on", async () => {
    engine.failures.push(LIMITED, "received unexpected HTTP status: 502 Bad Gateway", LIMITED);
    await push({ web: built("web") });
    expect(engine.pushes).toHaveLength(4);
    expect(test.clock.sleeps).toEqual([5_000, 1_000, 10_000]);
  });

  it("for ever ends after some minutes, and says so", async () => {
    engine.failures.push(...Array<string>(99).fill(LIMITED));
    await expect(push({ web: built("web") })).rejects.toMatchObject({
      code: "PUSH_FAILED",
      got: expect.stringContaining(LIMITED),
      next: "The registry limits how often it may be asked: log in, or wait.",
    });
    expect(engine.pushes).toHaveLength(7);
    expect(test.clock.sleeps).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000]);
  });

  it("waits as long as the engine's words tell", async () => {
    engine.failures.push("toomanyrequests: retry-after: 1m0s, allowed: 100/minute");
    await push({ web: built("web") });
    expect(test.clock.sleeps).toEqual([120_000]);
  });

  it("does not wait when that is too long", async () => {
    engine.failures.push("toomanyrequests: retry-after: 6h, allowed: 100/6h");
    await expect(push({ web: built("web") })).rejects.toMatchObject({
      code: "PUSH_FAILED",
      next: expect.stringContaining("log in, or wait. It may be asked again in 360 min"),
    });
    expect(test.clock.sleeps).toEqual([]);
  });

  /** From the engine's first push on, the registry answers questions for the tag with this. */
  function limitsQuestions(image: ImageIdentity, headers: Record<string, string>, times?: number): void {
    const { config } = image.platforms["linux/amd64"] ?? {};
    const { tag } = engine.images;
    let tries = 0;
    engine.images = {
      ...engine.images,
      tag: async (source, target, options) => {
        tries += source === config ? 1 : 0;
        const fault = { when: /^GET \S+\/manifests\/sha-/, status: 429, headers, ...(times && { times }) };
        if (tries === 2) registry.fault(fault);
        await tag(source, target, options);
      },
    };
  }

  it("waits as long as the registry tells when it is asked again", async () => {
    const image = built("web");
    limitsQuestions(image, { "Retry-After": "42" }, 1);
    engine.failures.push(LIMITED);
    await push({ web: image });
    expect(test.clock.sleeps).toEqual([5_000, 42_000]);
    expect(engine.pushes).toHaveLength(2);
  });

  it.each([
    ["which wants a pause each time, ends when that was waited for", { "Retry-After": "42" }, 5_000 + 4 * 42_000],
    ["which tells no pause, is asked for minutes", {}, 315_000 + 6 * 7_500],
  ])("by a registry %s", async (_name, headers, waitedMs) => {
    const image = built("web");
    limitsQuestions(image, headers);
    engine.failures.push(LIMITED);
    await expect(push({ web: image })).rejects.toMatchObject({
      code: "REGISTRY_ERROR",
      next: expect.stringContaining("The registry limits how often it may be asked: log in, or wait."),
    });
    expect(test.clock.sleeps.reduce((sum, one) => sum + one, 0)).toBe(waitedMs);
    expect(engine.pushes).toHaveLength(1);
  });

  it("finds that somebody else took the SHA tag while it waited", async () => {
    const image = built("web");
    engine.failures.push(LIMITED);
    const { push: first } = engine.images;
    engine.images = {
      ...engine.images,
      push: async (reference, options) => {
        registry.addImage("web", SHA_TAG, "somebody else's");
        return first(reference, options);
      },
    };
    await expect(push({ web: image })).rejects.toMatchObject({ code: "TAG_TAKEN" });
    expect(engine.pushes).toHaveLength(1);
  });

  it("ends at once when it is cancelled while it waits", async () => {
    engine.failures.push(LIMITED);
    const cancel = new AbortController();
    const sleep = vi.spyOn(test.clock, "sleep").mockImplementation((milliseconds, signal) => {
      cancel.abort(new Error("cancelled"));
      return systemClock.sleep(milliseconds, signal);
    });
    const { client, auth, log, clock } = test;
    const release = releaseOf({ web: built("web") });
    const pushing = pushRelease({
      ...{ release, docker: engine, registry: client, auth, log, clock },
      signal: cancel.signal,
    });
    await expect(pushing).rejects.toThrow("cancelled");
    expect(sleep).toHaveBeenCalledOnce();
    expect(engine.pushes).toHaveLength(1);
  });
});
