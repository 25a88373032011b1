/** Signatures without a key, in a real registry, for a simulated Sigstore; the real cosign takes them by the same trusted root. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, type Digest, isDigest, Redactor, systemClock } from "@belay/core";
import {
  attachArtifact,
  createAuthenticator,
  createRegistryClient,
  findArtifacts,
  insecureRegistries,
  type RegistryClient,
  readArtifact,
} from "@belay/registry";
import { BUNDLE, checkIdentity, identityToken, signKeyless } from "@belay/sign";
import {
  createTestLog,
  ensureTools,
  makeImageLayout,
  type ReferrersRegistry,
  type RegistryRig,
  type SigstoreRig,
  startReferrersRegistry,
  startRegistry,
  startSigstore,
  type TemporaryFolder,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const redactor = new Redactor();
const run = createRunner(redactor);
const log = createTestLog(redactor);
let cosign: string;
let place: TemporaryFolder;
let registry: RegistryRig;
/** It has the referrers API. */
let linking: ReferrersRegistry;
let sigstore: SigstoreRig;
let client: RegistryClient;
let root: string;
let made = 0;

beforeAll(async () => {
  ({ cosign } = await ensureTools(["cosign"]));
  place = await temporaryFolder("belay-keyless-test");
  registry = await startRegistry();
  linking = await startReferrersRegistry();
  sigstore = await startSigstore();
  root = join(place.path, "trusted-root.json");
  await writeFile(root, sigstore.trustedRoot);
  const auth = createAuthenticator({ env: { DOCKER_CONFIG: place.path }, runner: run, redactor });
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure: insecureRegistries() });
}, 30 * 60_000);

afterAll(async () => {
  client?.close();
  await sigstore?.[Symbol.asyncDispose]();
  await linking?.stop();
  await registry?.stop();
  await place?.remove();
});

interface Pushed {
  readonly repository: string;
  readonly digest: Digest;
}

async function image(at: Pick<RegistryRig, "url"> = registry): Promise<Pushed> {
  const name = `acme/keyless-${++made}`;
  const layout = await makeImageLayout(join(place.path, name.replace("/", "-")), {
    "linux/amd64": [{ "app/name": name }],
  });
  const [repository = "", digest = ""] = (await layout.push(at.url, name)).split("@");
  if (!isDigest(digest)) throw new Error(`${digest} is no digest`);
  return { repository, digest };
}

const sign = (pushed: Pushed): Promise<void> =>
  signKeyless({
    registry: client,
    ...pushed,
    token: () => identityToken({ env: sigstore.env, redactor }),
    fulcioUrl: sigstore.url,
    rekorUrl: sigstore.url,
    clock: systemClock,
    log,
  });

const check = (
  { repository, digest }: Pushed,
  more: { identity?: string; issuer?: string; trustedRoot?: string } = {},
) =>
  checkIdentity(client, repository, digest, {
    identity: sigstore.identity,
    issuer: sigstore.issuer,
    trustedRoot: root,
    ...more,
  });

/** Exit code and words of the real one. */
const verify = ({ repository, digest }: Pushed, identity = sigstore.identity) =>
  run(
    cosign,
    [
      ...["verify", "--new-bundle-format", "--trusted-root", root, "--certificate-identity", identity],
      ...["--certificate-oidc-issuer", sigstore.issuer, `${repository}@${digest}`],
    ],
    {
      env: { HOME: place.path, DOCKER_CONFIG: place.path },
      inherit: ["PATH"],
      deadlineMs: 120_000,
      allowedExitCodes: [0, 1, 10, 11, 12, 13],
    },
  );

describe("a signature without a key", () => {
  it("is taken by ours and by cosign", async () => {
    const pushed = await image();
    await sign(pushed);
    expect(await check(pushed)).toEqual({ signed: true, by: sigstore.identity });
    const verified = await verify(pushed);
    expect(verified.exitCode, verified.stderr).toBe(0);
  });

  it("is taken by both from a registry with the referrers API", async () => {
    const pushed = await image(linking);
    const { repository, digest } = pushed;
    await sign(pushed);
    expect(await client.referrers(repository, digest)).toHaveLength(1);
    expect(await check(pushed)).toEqual({ signed: true, by: sigstore.identity });
    const verified = await verify(pushed);
    expect(verified.exitCode, verified.stderr).toBe(0);
  });

  it("of another identity counts for nothing, with us as with cosign", async () => {
    const pushed = await image();
    await sign(pushed);
    const other = sigstore.identity.replace("refs/heads/main", "refs/heads/evil");
    expect(await check(pushed, { identity: other })).toMatchObject({
      signed: false,
      why: expect.stringContaining("it is of https:"),
    });
    expect((await verify(pushed, other)).exitCode).not.toBe(0);
  });

  it("is not taken for one of an identity that only looks like it", async () => {
    const pushed = await image();
    const wanted = sigstore.identity;
    for (const like of [
      `${wanted}-evil`,
      `https://evil.example/?${wanted}`,
      wanted.replace("github.com", "githubxcom"),
    ]) {
      sigstore.identity = like;
      await sign(pushed).finally(() => {
        sigstore.identity = wanted;
      });
    }
    expect(await check(pushed)).toMatchObject({
      signed: false,
      why: expect.stringContaining("none of its 3 signatures"),
    });
    await sign(pushed);
    expect(await check(pushed)).toMatchObject({ signed: true });
  });

  it("vouched for by another issuer, or trusted by nobody here, counts for nothing", async () => {
    const pushed = await image();
    await sign(pushed);
    expect(await check(pushed, { issuer: "https://issuer.example" })).toMatchObject({ signed: false });
    await using stranger = await startSigstore();
    const path = join(place.path, "stranger.json");
    await writeFile(path, stranger.trustedRoot);
    expect(await check(pushed, { trustedRoot: path })).toMatchObject({ signed: false });
  });

  it("of one image, put beside another, counts for nothing, with us as with cosign", async () => {
    const [good, bad] = [await image(), await image()];
    await sign(good);
    const [entry] = await findArtifacts(client, good.repository, good.digest, BUNDLE);
    const bytes = entry && (await readArtifact(client, good.repository, entry.digest));
    if (bytes === undefined) throw new Error("the bundle is missing");
    const artifact = { artifactType: BUNDLE, bytes };
    await attachArtifact({
      registry: client,
      repository: bad.repository,
      subject: bad.digest,
      artifact,
      clock: systemClock,
      log,
    });
    expect(await check(bad)).toMatchObject({
      signed: false,
      why: expect.stringContaining("no signature of this image"),
    });
    expect((await verify(bad)).exitCode).not.toBe(0);
  });

  it("is missed where there is none, and one that was changed counts for nothing", async () => {
    const pushed = await image();
    expect(await check(pushed)).toMatchObject({ signed: false, why: "it has no signature with a certificate" });
    await sign(pushed);
    const [entry] = await findArtifacts(client, pushed.repository, pushed.digest, BUNDLE);
    const bytes = entry && (await readArtifact(client, pushed.repository, entry.digest));
    const bundle = JSON.parse(String(bytes)) as { dsseEnvelope: { signatures: { sig: string }[] } };
    const broken = await image();
    const [signature] = bundle.dsseEnvelope.signatures;
    if (signature !== undefined) signature.sig = Buffer.from("forged").toString("base64");
    const artifact = { artifactType: BUNDLE, bytes: Buffer.from(JSON.stringify(bundle)) };
    const { repository, digest } = broken;
    await attachArtifact({ registry: client, repository, subject: digest, artifact, clock: systemClock, log });
    expect(await check(broken)).toMatchObject({ signed: false });
  });

  it("is not made without a token, an authority or an image, and says so", async () => {
    const pushed = await image();
    const env = { ...sigstore.env, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "wrong" };
    await expect(identityToken({ env, redactor })).rejects.toThrow("permissions: id-token: write");
    const common = { registry: client, ...pushed, clock: systemClock, log, rekorUrl: sigstore.url };
    const token = () => identityToken({ env: sigstore.env, redactor });
    const nowhere = signKeyless({ ...common, token, fulcioUrl: `${sigstore.url}/nowhere` });
    await expect(nowhere).rejects.toMatchObject({ code: "PUSH_FAILED" });
    expect(await check(pushed)).toMatchObject({ signed: false, why: "it has no signature with a certificate" });
    await expect(check(await signed(), { trustedRoot: "/nowhere/root.json" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
});

async function signed(): Promise<Pushed> {
  const pushed = await image();
  await sign(pushed);
  return pushed;
}
