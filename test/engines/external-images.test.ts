/** Images of others in a release: looked at, scanned and deployed, but nothing is written into their repositories. */
import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Settings } from "@belay/config";
import { type Digest, type ImageIdentity, Inputs, parseReference, sha256, writeRelease } from "@belay/core";
import { loadSignInputs, push, sign } from "@belay/pipeline";
import { findArtifacts } from "@belay/registry";
import { type RegistryRig, startRegistry } from "@belay/testkit";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { signatureFindings } from "../../packages/pipeline/src/sign/signature-findings.ts";
import { createContext } from "../../packages/pipeline/src/testing/create-context.ts";
import { openPushStand, type PushStand } from "./push-stand.ts";

const SBOM = "application/vnd.cyclonedx+json";
const KEYS = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

let stand: PushStand;
let ours: RegistryRig;
let theirs: ReadOnly;

beforeEach(async () => {
  stand = await openPushStand();
  ours = await startRegistry();
  theirs = await openReadOnly();
  // No engine to be found.
  vi.stubEnv("DOCKER_HOST", `unix://${stand.folder}/nowhere.sock`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await theirs?.[Symbol.asyncDispose]();
  await ours?.stop();
  await stand?.[Symbol.asyncDispose]();
});

interface ReadOnly extends AsyncDisposable {
  readonly rig: RegistryRig;
  readonly address: string;
  /** What somebody tried to write. */
  readonly refused: string[];
}

/** A registry that lets this runner read only, as Docker Hub does with `redis`. */
async function openReadOnly(): Promise<ReadOnly> {
  const rig = await startRegistry();
  const refused: string[] = [];
  const server = createServer((request, response) => void answer(rig, refused, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    rig,
    address: `127.0.0.1:${port}`,
    refused,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rig.stop();
    },
  };
}

async function answer(rig: RegistryRig, refused: string[], request: IncomingMessage, response: ServerResponse) {
  const { method = "", url = "", headers } = request;
  if (method !== "GET" && method !== "HEAD") {
    refused.push(`${method} ${url}`);
    response.writeHead(401, { "content-type": "application/json" });
    response.end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    return;
  }
  const got = await fetch(`${rig.url}${url}`, { method, headers: { accept: headers.accept ?? "*/*" } });
  const names = ["content-type", "docker-content-digest"];
  response.writeHead(got.status, Object.fromEntries(names.flatMap((name) => [[name, got.headers.get(name) ?? ""]])));
  response.end(new Uint8Array(await got.arrayBuffer()));
}

interface Chain {
  readonly services: Readonly<Record<string, ImageIdentity>>;
  readonly digests: Readonly<Record<"web" | "cache" | "queue", Digest>>;
}

/** `web` is built here; `cache` is pinned by digest, `queue` was found by its tag. All were scanned. */
async function build(): Promise<Chain> {
  const [web, other] = [await stand.layout("web"), await stand.layout("other")];
  for (const name of ["cache", "queue"]) await other.push(theirs.rig.url, `library/${name}`);
  const digest = other.digest as Digest;
  const built = stand.release(ours.address, { web });
  const external = (name: string, tags: string[]): ImageIdentity => {
    return { repository: `${theirs.address}/library/${name}`, platforms: {}, digest, tags };
  };
  const services: Record<string, ImageIdentity> = {
    ...built.services,
    cache: external("cache", []),
    queue: external("queue", ["7"]),
  };
  const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };
  const seen = (service: string, platforms: ImageIdentity["platforms"]) => {
    const all = Object.entries(platforms).map(([name, one]) => [
      name,
      { ...one, report: sha256(`${service} ${name}`) },
    ]);
    return { result: "passed" as const, counts, platforms: Object.fromEntries(all) };
  };
  const all = {
    web: seen("web", services.web?.platforms ?? {}),
    cache: seen("cache", other.platforms as ImageIdentity["platforms"]),
    queue: seen("queue", other.platforms as ImageIdentity["platforms"]),
  };
  for (const [service, { platforms }] of Object.entries(all)) {
    for (const platform of Object.keys(platforms)) {
      const name = `${service}-${platform.replace("/", "-")}`;
      await write("json", `${name}.json`, `${service} ${platform}`);
      await write("cyclonedx", `${name}.cdx.json`, `the bill of ${name}`);
    }
  }
  const scan = { result: "passed" as const, scannedAt: "2026-01-01T00:00:00Z", services: all };
  await writeRelease(join(stand.folder, "release.json"), { ...built, services, evidence: { scan } });
  return { services, digests: { web: web.digest as Digest, cache: digest, queue: digest } };
}

async function write(format: string, name: string, text: string): Promise<void> {
  const folder = join(stand.folder, "belay", "scan", format);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), text);
}

function job() {
  const env = { RUNNER_TEMP: stand.folder, DOCKER_CONFIG: stand.folder, COSIGN_PRIVATE_KEY: KEYS.privateKey };
  const inputs = loadSignInputs(new Inputs((name) => ({ release: "release.json", attach: "sbom, scan" })[name]));
  return { context: createContext(stand.folder, env), inputs };
}

it("are pushed past, not signed, and get nothing beside them", async () => {
  const { digests } = await build();
  const { context, inputs } = job();
  const { releasePath } = await push(context, inputs);
  const signed = await sign(context, { ...inputs, release: releasePath });
  expect(theirs.refused).toEqual([]);
  expect(Object.keys(signed.images)).toEqual(["web"]);
  expect(signed.release.evidence).toMatchObject({ sign: { services: ["web"] } });
  const beside = await findArtifacts(stand.client(), `${ours.address}/acme/web`, digests.web, SBOM);
  expect(beside).toHaveLength(2);
});

it("need a signature where one is required, unless belay.yaml excepts and pins them", async () => {
  const { services } = await build();
  const { context, inputs } = job();
  const keyFile = join(stand.folder, "cosign.pub");
  await writeFile(keyFile, KEYS.publicKey);
  const { release } = await sign(context, { ...inputs, release: (await push(context, inputs)).releasePath });
  const missing = async (except: readonly string[], pinned: Readonly<Record<string, string>>) => {
    const own = Object.entries(pinned).map(([name, image]) => [
      name,
      { image, reference: parseReference(image), names: {} },
    ]);
    const settings = {
      target: { kind: "kubernetes" },
      requireSignature: { keyFile, except },
      services: Object.fromEntries(own),
    };
    const found = await signatureFindings(context, inputs, settings as unknown as Settings, release.services);
    return found.map(({ service, check }) => `${service} ${check}`).sort();
  };
  const cache = `${services.cache?.repository}@${services.cache?.digest}`;
  const both = ["cache signature_missing", "queue signature_missing"];
  expect(await missing([], { cache })).toEqual(both);
  expect(await missing(["cache"], { cache })).toEqual(["queue signature_missing"]);
  // Another image than the one that is pinned, of another digest or from elsewhere, is not excepted.
  expect(await missing(["cache"], { cache: `${services.cache?.repository}@sha256:${"0".repeat(64)}` })).toEqual(both);
  expect(await missing(["cache"], { cache: cache.replace("library", "evil") })).toEqual(both);
  expect(await missing(["queue"], { queue: `${services.queue?.repository}:7` })).toEqual(both);
});
