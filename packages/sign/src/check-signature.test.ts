import { generateKeyPairSync, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRunner, type Digest, Redactor, sha256, systemClock } from "@belay/core";
import {
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  MEDIA_TYPES,
  type RegistryClient,
} from "@belay/registry";
import { createTestLog } from "@belay/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkSignature } from "./check-signature.ts";
import { signaturePayload } from "./payload.ts";
import { signatureTag } from "./signature-store.ts";

const IMAGE = sha256("an image");
const LAYER = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";
const ours = generateKeyPairSync("ed25519");
let server: Server;
let client: RegistryClient;
let repository: string;
/** Status and body by path below the repository. */
let served: Map<string, { readonly status: number; readonly body: Buffer }>;
let layers: object[];

beforeEach(async () => {
  served = new Map();
  layers = [];
  server = createServer((request, response) => {
    const path = request.url?.replace("/v2/shop", "") ?? "";
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, layers }));
    const all = new Map([
      ["/v2/", { status: 200, body: Buffer.of() }],
      [`/manifests/${signatureTag(IMAGE)}`, { status: 200, body: manifest }],
      ...served,
    ]);
    const { status, body } = all.get(path) ?? { status: 404, body: Buffer.of() };
    response.writeHead(status, { "Content-Type": MEDIA_TYPES.ociManifest }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  repository = `127.0.0.1:${(server.address() as AddressInfo).port}/shop`;
  const redactor = new Redactor();
  const auth = createAuthenticator({ env: { DOCKER_CONFIG: "/nowhere" }, runner: createRunner(redactor), redactor });
  const log = createTestLog(redactor);
  const insecure = insecureRegistries();
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure, env: {}, attempts: 1 });
});
afterEach(async () => {
  client.close();
  await stop();
});

async function stop(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function serve(body: Buffer, digest = sha256(body), status = 200): Digest {
  served.set(`/blobs/${digest}`, { status, body });
  return digest;
}

/** The youngest is listed last. */
function list(digest: Digest, signature: unknown): void {
  layers.push({ mediaType: LAYER, digest, size: 1, annotations: { [SIGNATURE]: signature } });
}

const payload = signaturePayload("shop", IMAGE);
const signatureOf = (bytes: Buffer): string => sign(null, bytes, ours.privateKey).toString("base64");
const check = () => checkSignature(client, repository, IMAGE, ours.publicKey);

const other = Buffer.from("of something else");
it.each<[string, () => Digest, unknown, string]>([
  ["a payload that the registry breaks at", () => serve(other, sha256("it"), 500), "AAAA", "answered 500"],
  ["content under another's digest", () => serve(other, sha256("it")), "AAAA", "the content that came is"],
  ["a payload that fills the memory", () => serve(Buffer.alloc(16 * 1024 * 1024 + 1)), "AAAA", "the answer is larger"],
  ["a payload that is not there", () => sha256("nothing"), "AAAA", "it is listed and not there"],
  ["another's signature", () => serve(payload), "AAAA", "its signature is not of the key"],
  ["a signature of another image", () => serve(other), signatureOf(other), "or speaks of another image"],
  ["a signature that is no text", () => serve(other), 5, "it has no signature"],
])("%s beside an image hides no signature, and is told when none counts", async (_what, put, signature, words) => {
  list(put(), signature);
  expect(await check()).toEqual({ signed: false, why: expect.stringContaining(words) });
  list(serve(payload), signatureOf(payload));
  layers.reverse();
  expect(await check()).toMatchObject({ signed: true });
});

it("a registry that can't be reached, or does not tell what is there, is an error of its own", async () => {
  const path = `/manifests/${signatureTag(IMAGE)}`;
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
  list(serve(payload), signatureOf(payload));
  const { blob } = client;
  client = {
    ...client,
    blob: async (...asked) => {
      await stop();
      return await blob(...asked);
    },
  };
  await expect(check()).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
});
