import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256, systemClock } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { fillDisk, freeDisk, type ImageLayout, type RegistryRig, startRegistry, startTcpProxy } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPushStand, type PushStand, SHA_TAG, servedDigest } from "./push-stand.ts";

const MIB = 1024 * 1024;
let stand: PushStand;
let rig: RegistryRig;

beforeEach(async () => {
  stand = await openPushStand();
  rig = await startRegistry();
});
afterEach(async () => {
  await rig?.stop();
  await stand?.[Symbol.asyncDispose]();
});

/** Every blob and manifest of a layout is at the registry, byte for byte; asked without our own client. */
async function expectServed(service: string, layout: ImageLayout): Promise<void> {
  const base = `${rig.url}/v2/acme/${service}`;
  for (const { manifest } of Object.values(layout.platforms)) {
    expect(await servedDigest(`${base}/manifests/${manifest}`)).toBe(manifest);
    const { config, layers } = JSON.parse(await readFile(join(layout.path, "blobs", ...manifest.split(":")), "utf8"));
    for (const { digest } of [config, ...layers]) expect(await servedDigest(`${base}/blobs/${digest}`)).toBe(digest);
  }
}

async function tagsOf(service: string): Promise<string[]> {
  const answer = await fetch(`${rig.url}/v2/acme/${service}/tags/list`);
  const { tags } = (await answer.json()) as { tags?: string[] };
  return (tags ?? []).sort();
}

describe("an image on disk, with two platforms, at a real registry", () => {
  it("is served byte for byte under every tag; a second release uploads nothing", async () => {
    const web = await stand.layout("web", MIB);
    const client = stand.client();
    const pushed = await stand.push(stand.release(rig.address, { web }), client);
    expect(pushed.services.web).toMatchObject({ digest: web.digest, index: web.digest, platforms: web.platforms });
    await expectServed("web", web);
    expect(await tagsOf("web")).toEqual(["main", SHA_TAG]);
    expect(await client.resolve(`${rig.address}/acme/web:main`)).toMatchObject({ digest: web.digest });
    const before = (await rig.log()).split("POST /v2/").length;
    await stand.push(stand.release(rig.address, { web }, "sha-next"), client);
    expect((await rig.log()).split("POST /v2/").length).toBe(before);
    expect(await tagsOf("web")).toEqual(["main", SHA_TAG, "sha-next"]);
  });

  it("shares its layers with its sibling by a mount", async () => {
    const layouts = { web: await stand.layout("web"), api: await stand.layout("api") };
    await stand.push(stand.release(rig.address, layouts), stand.client());
    for (const [service, layout] of Object.entries(layouts)) await expectServed(service, layout);
    expect(stand.log.text()).toMatch(/mounted from .*\/acme\//);
  });

  it("that was changed since the build gets no tag", async () => {
    const web = await stand.layout("web", MIB);
    const manifest = JSON.parse(
      await readFile(join(web.path, "blobs", ...(web.platforms["linux/amd64"]?.manifest ?? "").split(":")), "utf8"),
    );
    const layer = join(web.path, "blobs", ...manifest.layers[1].digest.split(":"));
    const bytes = await readFile(layer);
    await writeFile(layer, Buffer.concat([bytes.subarray(0, -100), randomBytes(100)]));
    const pushing = stand.push(stand.release(rig.address, { web }), stand.client());
    await expect(pushing).rejects.toMatchObject({ code: "RELEASE_INVALID", exitCode: 2 });
    expect(await tagsOf("web")).toEqual([]);
  });
});

describe("a push over a network with faults", () => {
  it("that cuts a blob in the middle is taken up again", async () => {
    const web = await stand.layout("web", 4 * MIB);
    await using proxy = await startTcpProxy({ port: Number(rig.address.split(":")[1]) });
    proxy.cutAfter(2 * MIB, 1);
    const address = `127.0.0.1:${proxy.port}`;
    const pushed = await stand.push(stand.release(address, { web }), stand.client({ attempts: 9 }));
    expect(proxy.cuts).toBe(1);
    expect(pushed.services.web?.digest).toBe(web.digest);
    await expectServed("web", web);
    expect(stand.log.text()).toMatch(/\(try 1 of 9, again in \d+ ms\)/);
  });

  it("that cuts every time is given up, tagged nothing, and told with what to look at", async () => {
    const web = await stand.layout("web", 4 * MIB);
    await using proxy = await startTcpProxy({ port: Number(rig.address.split(":")[1]) });
    proxy.cutAfter(2 * MIB);
    const pushing = stand.push(stand.release(`127.0.0.1:${proxy.port}`, { web }), stand.client({ attempts: 2 }));
    await expect(pushing).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      message: expect.stringContaining("can be reached from this machine"),
    });
    expect(await tagsOf("web")).toEqual([]);
    // Two large layers side by side, two tries of each.
    expect(proxy.cuts).toBeLessThanOrEqual(4);
  });

  it.each(["in the middle of a blob", "between two blobs"])("whose registry restarts %s goes on", async (when) => {
    const web = await stand.layout("web", 4 * MIB);
    // A busy machine may take its time to start a registry.
    const client = stand.client({ attempts: 9 });
    let restarted: Promise<void> | undefined;
    const restart = (): void => {
      restarted ??= rig.kill().then(() => rig.start());
    };
    const upload: RegistryClient["upload"] = async (repository, source, more) => {
      const middle = when === "in the middle of a blob" && source.size > MIB;
      const onProgress = (bytes: number): void => (middle && bytes > source.size / 2 ? restart() : undefined);
      const how = await client.upload(repository, source, { ...more, onProgress });
      restart();
      return how;
    };
    const pushed = await stand.push(stand.release(rig.address, { web }), { ...client, upload });
    await restarted;
    expect(restarted).toBeDefined();
    expect(pushed.services.web?.digest).toBe(web.digest);
    await expectServed("web", web);
  });

  it("goes in chunks after the first cut, and begins anew where the registry keeps no cut chunk", async () => {
    const source = randomBytes(3 * MIB);
    const repository = `${rig.address}/acme/web`;
    const client = stand.client();
    // distribution 2.8 drops an upload when bytes of a request came that it has not answered.
    await using proxy = await startTcpProxy({ port: Number(rig.address.split(":")[1]) });
    proxy.cutAfter(MIB, 1);
    const blob = {
      digest: sha256(source),
      size: source.length,
      read: async function* (start: number, end: number) {
        yield source.subarray(start, end);
      },
    };
    const through = repository.replace(rig.address, `127.0.0.1:${proxy.port}`);
    expect(await client.upload(through, blob, { chunkBytes: MIB })).toBe("uploaded");
    expect(await client.upload(repository, blob)).toBe("there");
    const patches = (await rig.log()).split('"PATCH /v2/').length - 1;
    expect(patches).toBeGreaterThanOrEqual(4);
    expect(await servedDigest(`${rig.url}/v2/acme/web/blobs/${blob.digest}`)).toBe(blob.digest);
  });
});

it("a registry whose disk is full says so, and is pushed to once there is room", async () => {
  await using small = await startRegistry({ diskBytes: 32 * MIB });
  const web = await stand.layout("web", MIB);
  await fillDisk(small.folder);
  const client = stand.client({ attempts: 2 });
  await expect(stand.push(stand.release(small.address, { web }), client)).rejects.toMatchObject({
    code: "PUSH_FAILED",
    message: expect.stringContaining("The registry's disk is full"),
  });
  await freeDisk(small.folder);
  const pushed = await stand.push(stand.release(small.address, { web }), client);
  expect(pushed.services.web?.digest).toBe(web.digest);
});

describe("a SHA tag that somebody else moves", () => {
  let theirs: Digest;
  const moving = (client: RegistryClient, when: "before" | "after"): RegistryClient => ({
    ...client,
    putManifest: async (repository, tag, manifest) => {
      const move = async (): Promise<void> => {
        const other = await client.manifest(`${rig.address}/acme/other`, "main");
        if (other === undefined) throw new Error("the other image is missing");
        for (const { digest } of JSON.parse(other.bytes.toString()).manifests) {
          const child = await client.manifest(`${rig.address}/acme/other`, digest);
          if (child === undefined) continue;
          const { config, layers } = JSON.parse(child.bytes.toString());
          for (const part of [config, ...layers]) {
            await client.putBlob(
              repository,
              (await client.blob(`${rig.address}/acme/other`, part.digest)) ?? Buffer.of(),
            );
          }
          await client.putManifest(repository, child.digest, child);
        }
        theirs = other.digest;
        await client.putManifest(repository, SHA_TAG, other);
      };
      // The index is the last that is put by its digest, right before the tag is looked at once more.
      const last = tag === manifest.digest && JSON.parse(manifest.bytes.toString()).manifests !== undefined;
      const result = await client.putManifest(repository, tag, manifest);
      if (when === "before" ? last : tag === SHA_TAG) await move();
      return result;
    },
  });

  it.each([
    ["before ours is put: it stays theirs", "before", "TAG_TAKEN"],
    ["after ours was put: it is found when it is read back", "after", "IDENTITY_MISMATCH"],
  ] as const)("%s", async (_name, when, code) => {
    const client = stand.client();
    const other = await stand.layout("other");
    await stand.push(stand.release(rig.address, { other }), client);
    const web = await stand.layout("web");
    const pushing = stand.push(stand.release(rig.address, { web }), moving(client, when));
    await expect(pushing).rejects.toMatchObject({ code, exitCode: 16 });
    expect((await client.manifest(`${rig.address}/acme/web`, SHA_TAG))?.digest).toBe(theirs);
    expect(await tagsOf("web")).toEqual([SHA_TAG]);
  });
});

it("is bounded in time by its caller", async () => {
  const web = await stand.layout("web");
  const stop = new AbortController();
  const client = stand.client({ signal: stop.signal });
  await rig.pause();
  const pushing = stand.push(stand.release(rig.address, { web }), client, { signal: stop.signal });
  await systemClock.sleep(50);
  stop.abort(new Error("the run was cancelled"));
  await expect(pushing).rejects.toThrow("the run was cancelled");
});
