import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createRunner, type Digest, Redactor, sha256, systemClock } from "@belay/core";
import {
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  MEDIA_TYPES,
  type RegistryClient,
} from "@belay/registry";
import { createTestLog, type SigstoreRig, startSigstore, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { BUNDLE } from "./bundles-beside.ts";
import { checkIdentity } from "./check-identity.ts";

const IMAGE = sha256("an image");
let place: TemporaryFolder;
let sigstore: SigstoreRig;
let server: Server;
let client: RegistryClient;
let repository: string;
/** Status and body by path below the repository. */
let served: Map<string, { readonly status: number; readonly body: Buffer }>;
let listed: object[];

beforeEach(async () => {
  place = await temporaryFolder("belay-check-identity");
  sigstore = await startSigstore();
  await writeFile(join(place.path, "root.json"), sigstore.trustedRoot);
  served = new Map();
  listed = [];
  server = createServer((request, response) => {
    const path = request.url?.replace("/v2/shop", "") ?? "";
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: listed }));
    const all = new Map([
      ["/v2/", { status: 200, body: Buffer.of() }],
      [`/referrers/${IMAGE}`, { status: 200, body: index }],
      ...served,
    ]);
    const { status, body } = all.get(path) ?? { status: 404, body: Buffer.of() };
    const type = path.startsWith("/referrers/") ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
    response.writeHead(status, { "Content-Type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  repository = `127.0.0.1:${(server.address() as AddressInfo).port}/shop`;
  const redactor = new Redactor();
  const env = { DOCKER_CONFIG: place.path };
  const auth = createAuthenticator({ env, runner: createRunner(redactor), redactor });
  const log = createTestLog(redactor);
  const insecure = insecureRegistries();
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure, env: {}, attempts: 1 });
});
afterEach(async () => {
  client.close();
  await stop();
  await sigstore[Symbol.asyncDispose]();
  await place.remove();
});

async function stop(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function serve(kind: "manifests" | "blobs", body: Buffer, digest = sha256(body), status = 200): Digest {
  served.set(`/${kind}/${digest}`, { status, body });
  return digest;
}

const manifestOf = (layer: Digest) =>
  Buffer.from(JSON.stringify({ schemaVersion: 2, layers: [{ mediaType: BUNDLE, digest: layer, size: 1 }] }));

/** The youngest is listed last. */
function list(digest: Digest): void {
  listed.push({ mediaType: MEDIA_TYPES.ociManifest, digest, size: 1, artifactType: BUNDLE });
}

async function attest(): Promise<void> {
  const bundle = await sigstore.attest({ digest: IMAGE, name: repository });
  list(serve("manifests", manifestOf(serve("blobs", Buffer.from(JSON.stringify(bundle))))));
}

const check = () => {
  const { identity, issuer } = sigstore;
  return checkIdentity(client, repository, IMAGE, { identity, issuer, trustedRoot: join(place.path, "root.json") });
};

const other = Buffer.from("of something else");
it.each<[string, () => Digest, string]>([
  ["a manifest that is none", () => serve("manifests", Buffer.from("hello")), "is no JSON object"],
  ["a manifest under another's digest", () => serve("manifests", other, sha256("it")), "the content that came is"],
  [
    "content under another's digest",
    () => serve("manifests", manifestOf(serve("blobs", other, sha256("it")))),
    "the content that came is",
  ],
  ["a manifest that the registry breaks at", () => serve("manifests", other, sha256("it"), 500), "answered 500"],
  ["a manifest that is not there", () => sha256("nothing"), "it is listed and not there"],
  ["no bundle", () => serve("manifests", manifestOf(serve("blobs", other))), "is not valid JSON"],
])("%s beside an image hides no attestation, and is told when nothing counts", async (_what, put, words) => {
  list(put());
  expect(await check()).toEqual({ signed: false, why: expect.stringContaining(words) });
  await attest();
  listed.reverse();
  expect(await check()).toMatchObject({ signed: true });
});

it("a registry that can't be reached, or does not tell what is there, is an error of its own", async () => {
  await attest();
  const path = `/referrers/${IMAGE}`;
  for (const [status, code] of [
    [401, "REGISTRY_UNAUTHORISED"],
    [500, "REGISTRY_ERROR"],
  ] as const) {
    served.set(path, { status, body: Buffer.of() });
    await expect(check()).rejects.toMatchObject({ code });
  }
  await stop();
  await expect(check()).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
});

it("a registry that is gone while what it lists is read is an error, too", async () => {
  list(serve("manifests", other));
  const { manifest } = client;
  client = {
    ...client,
    manifest: async (...asked) => {
      await stop();
      return await manifest(...asked);
    },
  };
  await expect(check()).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
});
