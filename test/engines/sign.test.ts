/** Signatures in a real registry, and the real cosign, which takes ours and whose own are taken. */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, type Digest, isDigest, Redactor, systemClock } from "@belay/core";
import { createAuthenticator, createRegistryClient, insecureRegistries, type RegistryClient } from "@belay/registry";
import { checkSignature, loadPublicKey, loadSigningKey, signatureTag, signImage } from "@belay/sign";
import {
  createTestLog,
  ensureTools,
  makeImageLayout,
  type RegistryRig,
  type SigstoreRig,
  startReferrersRegistry,
  startRegistry,
  startSigstore,
  type TemporaryFolder,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** cosign may have to be built first. */
const STAND_MS = 30 * 60_000;
const PASSWORD = "correct horse";

const redactor = new Redactor();
const run = createRunner(redactor);
let cosign: string;
let place: TemporaryFolder;
let registry: RegistryRig;
let client: RegistryClient;
let made = 0;

beforeAll(async () => {
  ({ cosign } = await ensureTools(["cosign"]));
  place = await temporaryFolder("belay-sign-test");
  registry = await startRegistry();
  const auth = createAuthenticator({ env: { DOCKER_CONFIG: place.path }, runner: run, redactor });
  const log = createTestLog(redactor);
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure: insecureRegistries() });
  await inFolder(["generate-key-pair"]);
}, STAND_MS);

afterAll(async () => {
  client?.close();
  await registry?.stop();
  await place?.remove();
});

/** Runs cosign in the folder that has its pair of keys. */
async function inFolder(args: readonly string[], allowedExitCodes: readonly number[] = [0], more: object = {}) {
  const env = { COSIGN_PASSWORD: PASSWORD, HOME: place.path, DOCKER_CONFIG: place.path, ...more };
  return run(cosign, args, { cwd: place.path, env, inherit: ["PATH"], deadlineMs: 120_000, allowedExitCodes });
}

/** The log's public key, as a trusted root has it. */
function rekorKey({ trustedRoot }: SigstoreRig): string {
  const { tlogs } = JSON.parse(trustedRoot) as { tlogs: { publicKey: { rawBytes: string } }[] };
  const key = Buffer.from(tlogs[0]?.publicKey.rawBytes ?? "", "base64");
  return createPublicKey({ key, format: "der", type: "spki" }).export({ type: "spki", format: "pem" }).toString();
}

/** cosign without the transparency log: ours writes no entry into it unless it is told to. */
const verifyWith = (key: string, image: string) =>
  inFolder(["verify", "--key", key, "--insecure-ignore-tlog=true", "--output=json", image], [0, 1, 10, 11, 12]);
const signWith = (key: string, image: string, ...more: string[]) =>
  inFolder(["sign", "--key", key, "--tlog-upload=false", "--yes", ...more, image]);

interface Pushed {
  readonly reference: string;
  readonly repository: string;
  readonly digest: Digest;
}

async function image(
  platforms: readonly string[] = ["linux/amd64"],
  { url } = registry as { url: string },
): Promise<Pushed> {
  const name = `acme/shop-${++made}`;
  const files = Object.fromEntries(platforms.map((platform) => [platform, [{ "app/name": name }]]));
  const layout = await makeImageLayout(join(place.path, `image-${made}`), files);
  const reference = await layout.push(url, name);
  const [repository = "", digest = ""] = reference.split("@");
  if (!isDigest(digest)) throw new Error(`${digest} is no digest`);
  return { reference, repository, digest };
}

const keyText = (name: string) => readFile(join(place.path, name), "utf8");
const cosignKey = async () => loadSigningKey(await keyText("cosign.key"), PASSWORD);
const cosignPublic = async () => loadPublicKey(await keyText("cosign.pub"), "reading cosign.pub");
const signOurs = async (pushed: Pushed, key = cosignKey(), rekorUrl?: string) =>
  signImage({ registry: client, clock: systemClock, ...pushed, ...(rekorUrl && { rekorUrl }) }, await key);
const check = async (pushed: Pushed, key = cosignPublic()) =>
  checkSignature(client, pushed.repository, pushed.digest, await key);

describe("a signature by key", () => {
  it("of ours, with the key that cosign made, is taken by cosign", async () => {
    const pushed = await image(["linux/amd64", "linux/arm64"]);
    expect(await signOurs(pushed)).toBe("signed");
    const verified = await verifyWith("cosign.pub", pushed.reference);
    expect(verified.exitCode, verified.stderr).toBe(0);
    expect(JSON.parse(verified.stdout)).toEqual([
      {
        critical: {
          identity: { "docker-reference": pushed.repository },
          image: { "docker-manifest-digest": pushed.digest },
          type: "cosign container image signature",
        },
        optional: null,
      },
    ]);
    expect(await check(pushed)).toMatchObject({ signed: true });
  });

  it("of cosign's is taken by ours", async () => {
    const pushed = await image();
    await signWith("cosign.key", pushed.reference);
    expect(await check(pushed)).toMatchObject({ signed: true });
  });

  it("of cosign's in a bundle beside the image, as since its version 3, is taken by ours", async () => {
    const pushed = await image();
    const theirs = await image();
    await inFolder(["generate-key-pair", "--output-key-prefix", "bundle"]);
    const bundled = ["--new-bundle-format"];
    await signWith("bundle.key", pushed.reference, ...bundled);
    expect(await client.manifest(pushed.repository, signatureTag(pushed.digest))).toBeUndefined();
    const key = keyText("bundle.pub").then((text) => loadPublicKey(text, "x"));
    expect(await check(pushed, key)).toMatchObject({ signed: true });
    expect(await check(pushed)).toMatchObject({ signed: false, why: expect.stringContaining("is not of the key") });
    await signWith("bundle.key", theirs.reference, ...bundled);
    expect(await check({ ...pushed, digest: theirs.digest }, key)).toMatchObject({ signed: false });
  });

  it("of cosign's in a bundle that only the referrers API tells of is taken by ours", async () => {
    await using linking = await startReferrersRegistry();
    const pushed = await image(["linux/amd64"], linking);
    await signWith("cosign.key", pushed.reference, "--new-bundle-format");
    expect(await client.referrers(pushed.repository, pushed.digest)).toHaveLength(1);
    expect(await client.manifest(pushed.repository, pushed.digest.replace(":", "-"))).toBeUndefined();
    expect(await check(pushed)).toMatchObject({ signed: true });
  });

  it("stays beside cosign's, and both are taken by both", async () => {
    const pushed = await image();
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await writeFile(join(place.path, "other.pub"), other.publicKey.export({ type: "spki", format: "pem" }));
    await signWith("cosign.key", pushed.reference);
    const pem = other.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    expect(await signOurs(pushed, loadSigningKey(pem))).toBe("signed");
    for (const name of ["cosign.pub", "other.pub"]) {
      expect((await verifyWith(name, pushed.reference)).exitCode).toBe(0);
      expect(
        await check(
          pushed,
          keyText(name).then((text) => loadPublicKey(text, "x")),
        ),
      ).toMatchObject({ signed: true });
    }
  });

  it.each(["ed25519", "rsa"] as const)("by a key of the kind %s is taken by cosign", async (kind) => {
    const pushed = await image();
    const pair = kind === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2_048 }) : generateKeyPairSync("ed25519");
    await writeFile(join(place.path, `${kind}.pub`), pair.publicKey.export({ type: "spki", format: "pem" }));
    const pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    await signOurs(pushed, loadSigningKey(pem));
    const verified = await verifyWith(`${kind}.pub`, pushed.reference);
    expect(verified.exitCode, verified.stderr).toBe(0);
  });

  it.each(["ec", "rsa"] as const)(
    "of the kind %s is entered into a log, and taken by cosign with its entry",
    async (kind) => {
      await using sigstore = await startSigstore();
      const pushed = await image();
      const pair =
        kind === "rsa"
          ? generateKeyPairSync("rsa", { modulusLength: 2_048 })
          : generateKeyPairSync("ec", { namedCurve: "P-256" });
      await writeFile(join(place.path, "logged.pub"), pair.publicKey.export({ type: "spki", format: "pem" }));
      await writeFile(join(place.path, "rekor.pub"), rekorKey(sigstore));
      const key = loadSigningKey(pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string);
      const verify = () => {
        const args = ["verify", "--key", "logged.pub", "--output=json", pushed.reference];
        const env = { SIGSTORE_REKOR_PUBLIC_KEY: join(place.path, "rekor.pub") };
        return inFolder(args, [0, 1, 10, 11, 12], env);
      };
      expect(await signOurs(pushed, key)).toBe("signed");
      expect(await signOurs(pushed, key, sigstore.url)).toBe("signed");
      const verified = await verify();
      expect(verified.exitCode, verified.stderr).toBe(0);
      expect(await signOurs(pushed, key, sigstore.url)).toBe("already signed");
      expect(await signOurs(pushed, key)).toBe("already signed");
      expect(sigstore.requests).toEqual(["/api/v1/log/entries"]);
      // Of another log it is no entry.
      await using other = await startSigstore();
      await writeFile(join(place.path, "rekor.pub"), rekorKey(other));
      expect((await verify()).exitCode).not.toBe(0);
    },
  );

  it("is not made where its log can't be had", async () => {
    const pushed = await image();
    const { privateKey } = generateKeyPairSync("ed25519");
    const ed25519 = loadSigningKey(privateKey.export({ type: "pkcs8", format: "pem" }) as string);
    await expect(signOurs(pushed, ed25519, "http://127.0.0.1:1")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    const failed = { code: "PUSH_FAILED", got: expect.stringContaining("the log took no entry") };
    await expect(signOurs(pushed, cosignKey(), "http://127.0.0.1:1")).rejects.toMatchObject(failed);
    expect(await check(pushed)).toMatchObject({ signed: false });
  });

  it("is made once, however often it is asked for", async () => {
    const pushed = await image();
    expect(await signOurs(pushed)).toBe("signed");
    expect(await signOurs(pushed)).toBe("already signed");
    const manifest = await client.manifest(pushed.repository, signatureTag(pushed.digest));
    expect(JSON.parse(String(manifest?.bytes)).layers).toHaveLength(1);
  });

  it("of two at the same time stays, of each", async () => {
    const pushed = await image();
    const pairs = [1, 2].map(() => generateKeyPairSync("ec", { namedCurve: "P-256" }));
    const pems = pairs.map((pair) => pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string);
    await Promise.all(pems.map((pem) => signOurs(pushed, loadSigningKey(pem))));
    for (const { publicKey } of pairs) {
      expect(await check(pushed, Promise.resolve(publicKey))).toMatchObject({ signed: true });
    }
  });

  it("is missed, and of another key it counts for nothing, with us as with cosign", async () => {
    const pushed = await image();
    expect(await check(pushed)).toEqual({ signed: false, why: "it has no signature" });
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await signOurs(pushed, loadSigningKey(other.privateKey.export({ type: "pkcs8", format: "pem" }) as string));
    expect(await check(pushed)).toMatchObject({ signed: false, why: expect.stringContaining("is not of the key") });
    expect((await verifyWith("cosign.pub", pushed.reference)).exitCode).not.toBe(0);
  });

  it("of one image, put beside another, counts for nothing, with us as with cosign", async () => {
    const [good, bad] = [await image(), await image()];
    await signOurs(good);
    const manifest = await client.manifest(good.repository, signatureTag(good.digest));
    if (manifest === undefined) throw new Error("the signature is missing");
    const { config, layers } = JSON.parse(String(manifest.bytes)) as { config: Part; layers: Part[] };
    for (const part of [config, ...layers]) {
      await client.putBlob(bad.repository, (await client.blob(good.repository, part.digest)) ?? Buffer.alloc(0));
    }
    await client.putManifest(bad.repository, signatureTag(bad.digest), manifest);
    expect(await check(bad)).toMatchObject({ signed: false, why: expect.stringContaining("another image") });
    expect((await verifyWith("cosign.pub", bad.reference)).exitCode).not.toBe(0);
  });

  it("is not made of an image that is not there", async () => {
    const digest: Digest = `sha256:${"ab".repeat(32)}`;
    const repository = `${registry.address}/acme/none`;
    await expect(signOurs({ repository, digest, reference: "" })).rejects.toMatchObject({ code: "PUSH_FAILED" });
  });
});

interface Part {
  readonly digest: Digest;
}

describe("a signing key", () => {
  it("of cosign's opens with its password only", async () => {
    const text = await keyText("cosign.key");
    await expect(loadSigningKey(text, "wrong")).rejects.toThrow("its password is another");
    await expect(loadSigningKey(text)).rejects.toThrow("its password is another");
  });
});
