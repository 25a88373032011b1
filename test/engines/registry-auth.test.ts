import { delimiter } from "node:path";
import type { Digest, Release } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { blobOfBytes } from "@belay/registry";
import {
  type AttachedEngine,
  makeBaseImages,
  type RegistryRig,
  startRegistry,
  startTokens,
  type TokenOptions,
  type TokenRig,
  useEngine,
} from "@belay/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { basic, TOKEN_LOGINS, writeDockerConfig, writeHelper } from "./docker-logins.ts";
import { openPushStand, type PushStand, SHA_TAG } from "./push-stand.ts";

let stand: PushStand;
const open: { tokens?: TokenRig; rig?: RegistryRig } = {};

beforeEach(async () => {
  stand = await openPushStand();
  vi.stubEnv("PATH", `${stand.folder}${delimiter}${process.env.PATH}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await open.rig?.stop();
  await open.tokens?.stop();
  open.rig = undefined as never;
  open.tokens = undefined as never;
  await stand?.[Symbol.asyncDispose]();
});

/** A real registry that takes nothing but the tokens of a service with these users. */
async function withTokens(options: TokenOptions): Promise<{ rig: RegistryRig; tokens: TokenRig }> {
  const tokens = await startTokens(options);
  open.tokens = tokens;
  const rig = await startRegistry({ configuration: tokens.configuration });
  open.rig = rig;
  return { rig, tokens };
}

async function withPassword(user: string, password: string): Promise<RegistryRig> {
  const rig = await startRegistry({ auth: { user, password } });
  open.rig = rig;
  return rig;
}

const config = (value: unknown) => writeDockerConfig(stand.folder, value);
const helper = (name: string, address: string, user: string, secret: string) =>
  writeHelper(stand.folder, name, address, { user, secret });

async function pushWeb(address: string, client = stand.client()): Promise<void> {
  const web = await stand.layout("web");
  const pushed = await stand.push(stand.release(address, { web }), client);
  expect(pushed.services.web?.digest).toBe(web.digest);
  expect(await client.resolve(`${address}/acme/web:main`)).toMatchObject({ digest: web.digest });
}

/** How each registry's users log in; the names and forms are theirs, the registry behind is distribution. */
const LOGINS: readonly (readonly [string, "tokens" | "basic", string, string, "file" | "helper" | "store"])[] = [
  ["a password in the docker config", "tokens", "ada", "s3cret:with:colons", "file"],
  ["a credential helper", "tokens", "ada", "s3cret", "helper"],
  ["the credentials store", "tokens", "ada", "s3cret", "store"],
  ["a password, basic", "basic", "ada", "s3cret", "file"],
  ["a credential helper, basic", "basic", "ada", "s3cret", "helper"],
  ["ECR: its helper, basic", "basic", "AWS", "eyJwYXlsb2FkIjoiLi4uIiwidHlwZSI6IkRBVEFfS0VZIn0=", "helper"],
  ["ECR: get-login-password into docker login, basic", "basic", "AWS", "eyJwYXlsb2FkIjoiLi4uIn0=", "file"],
  ["GAR: an access token by gcloud's helper", "tokens", "_dcgcloud_token", "ya29.a0AfH-secret", "helper"],
  ["GAR: a service account's key", "tokens", "_json_key", '{\n "private_key": "-----BEGIN\\n$(id)`id`"\n}', "file"],
  ["ACR: a token's name and password", "tokens", "ci-token", "AbC+/=~secret", "file"],
  ["ACR: docker login with an access token", "tokens", "00000000-0000-0000-0000-000000000000", "eyJhbGciOi", "file"],
  ["GHCR: docker login with the job's token", "tokens", "ada", "ghs_16C7e42F292c6912E7710c838347Ae178B4a", "file"],
  ["GitLab: the job's token", "tokens", "gitlab-ci-token", "glcbt-64_secret", "file"],
  ["Harbor: a robot account", "tokens", "robot$shop+ci", "Pa$$w0rd`$(id)", "file"],
  ["Harbor: a robot account, basic", "basic", "robot$shop+ci", "Pa$$w0rd`$(id)", "file"],
  ["Quay: a robot account", "tokens", "acme+ci", "s3cret", "file"],
  ["Docker Hub: an access token", "tokens", "ada", "dckr_pat_secret", "file"],
];

describe("a login to a real registry", () => {
  it.each(LOGINS)("with %s pushes, and shows no secret", async (_name, kind, user, password, from) => {
    const path = "/jwt/auth?client=docker";
    const { address } =
      kind === "basic"
        ? await withPassword(user, password)
        : (await withTokens({ users: { [user]: { password } }, path })).rig;
    if (from === "file") await config({ auths: { [address]: basic(user, password) } });
    else {
      await helper("own", address, user, password);
      await config(from === "helper" ? { credHelpers: { [address]: "own" } } : { credsStore: "own" });
    }
    await pushWeb(address);
    expect(stand.log.text()).not.toContain(password);
    if (kind === "tokens") expect(open.tokens?.issued.every((token) => token.user === user)).toBe(true);
  });

  it.each([
    ["in the docker config, as ACR's `az acr login` leaves it", "file"],
    ["from a helper that answers `<token>`, as ACR's does", "helper"],
  ])("with an identity token %s pushes", async (_name, from) => {
    const { rig, tokens } = await withTokens({ users: { ada: { refreshToken: "refresh-me-s3cret" } } });
    const { address } = rig;
    const guid = "00000000-0000-0000-0000-000000000000";
    if (from === "file") {
      await config({ auths: { [address]: { ...basic(guid, ""), identitytoken: "refresh-me-s3cret" } } });
    } else {
      await helper("acr", address, "<token>", "refresh-me-s3cret");
      await config({ credHelpers: { [address]: "acr" } });
    }
    await pushWeb(address);
    expect(tokens.issued.length).toBeGreaterThan(0);
    expect(tokens.issued.every(({ method, user }) => method === "POST" && user === "ada")).toBe(true);
    expect(stand.log.text()).not.toContain("refresh-me-s3cret");
  });
});

describe("a push by the engine, which is handed the login with it", () => {
  let engine: AttachedEngine;
  let docker: Docker;
  let image: Digest;

  beforeAll(async () => {
    engine = await useEngine();
    docker = await connectDocker({ env: engine.env });
    const { busybox } = await makeBaseImages(engine);
    image = (await engine.docker(["image", "inspect", "--format={{.Id}}", busybox])).stdout.trim() as Digest;
  });
  afterAll(async () => {
    await docker?.close();
    await engine?.stop();
  });

  /** Pushes the engine's image, of which there is no layout. */
  async function pushImage(address: string): Promise<Release> {
    const web = {
      repository: `${address}/acme/web`,
      platforms: { "linux/amd64": { config: image } },
      tags: [SHA_TAG, "main"],
    };
    const release = { ...stand.release(address, {}), services: { web } };
    try {
      return await stand.push(release, stand.client(), { docker, layoutOf: async () => undefined });
    } finally {
      await engine.docker(["image", "rm", `${web.repository}:${SHA_TAG}`]);
    }
  }

  it.each(TOKEN_LOGINS)("is let in with $name, and shows no secret", async ({ ada, secret, method, logIn }) => {
    const { rig, tokens } = await withTokens({ users: { ada } });
    await logIn(stand.folder, rig.address);
    const { web } = (await pushImage(rig.address)).services;
    expect(web?.platforms["linux/amd64"]?.config).toBe(image);
    for (const tag of [SHA_TAG, "main"]) {
      const served = await stand.client().resolve(`${rig.address}/acme/web:${tag}`);
      expect(served?.digest).toBe(web?.digest);
    }
    expect(tokens.issued.length).toBeGreaterThan(0);
    expect(tokens.issued.every((token) => token.user === "ada" && token.method === method)).toBe(true);
    expect(stand.log.text()).toContain(`web: pushing ${rig.address}/acme/web:${SHA_TAG}`);
    expect(stand.log.text()).not.toContain(secret);
  });

  it("for a user who may not write is told as that", async () => {
    const { rig } = await withTokens({ users: { eve: { password: "s3cret", push: /^never$/ } } });
    await config({ auths: { [rig.address]: basic("eve", "s3cret") } });
    await expect(pushImage(rig.address)).rejects.toMatchObject({
      code: "REGISTRY_UNAUTHORISED",
      exitCode: 16,
      message: expect.stringMatching(/said through the engine: .*Give this user the permission to push/s),
    });
  });
});

describe("a token", () => {
  it("that expires in the middle of a push is renewed", async () => {
    const { rig, tokens } = await withTokens({ users: { ada: { password: "s3cret" } } });
    const { address } = rig;
    await config({ auths: { [address]: basic("ada", "s3cret") } });
    const client = stand.client();
    tokens.nextLives(2_000);
    const chunk = Buffer.alloc(600 * 1024, "x");
    const whole = blobOfBytes(Buffer.concat([chunk, chunk]));
    let waited = false;
    const source = {
      ...whole,
      // The registry looks at the token when a request begins: the wait stands before the one that ends the upload.
      read: async function* (start: number, end: number) {
        const expiresAt = tokens.issued[0]?.expiresAt ?? 0;
        yield* whole.read(start, end);
        while (Date.now() <= expiresAt + 1_000) await new Promise((resolve) => setTimeout(resolve, 50));
        waited = true;
      },
    };
    expect(await client.upload(`${address}/acme/web`, source)).toBe("uploaded");
    expect(waited).toBe(true);
    expect(tokens.issued.length).toBeGreaterThan(1);
    expect(await client.upload(`${address}/acme/web`, whole)).toBe("there");
  });

  it("is asked for with both repositories for a mount, and without the right to read the other one it is an upload", async () => {
    const users = {
      ada: { password: "s3cret" },
      eve: { password: "s3cret", pull: /^acme\/web$/, push: /^acme\/web$/ },
    };
    const { rig, tokens } = await withTokens({ users });
    const { address } = rig;
    const login = (user: string) => config({ auths: { [address]: basic(user, "s3cret") } });
    const blob = blobOfBytes(Buffer.from("shared"));
    const from = [`${address}/acme/base`];
    await login("ada");
    expect(await stand.client().upload(`${address}/acme/base`, blob)).toBe("uploaded");
    await login("eve");
    const eve = stand.client();
    expect(await eve.upload(`${address}/acme/web`, blob, { from })).toBe("uploaded");
    await login("ada");
    expect(await stand.client().upload(`${address}/acme/api`, blob, { from })).toBe("mounted");
    expect(tokens.issued.at(-1)?.scopes).toEqual(["repository:acme/api:pull,push", "repository:acme/base:pull"]);
  });

  it("for nobody reads what is public, and pushes nothing", async () => {
    const { rig } = await withTokens({ users: { ada: { password: "s3cret" } }, public: /^acme\// });
    const { address } = rig;
    await config({ auths: { [address]: basic("ada", "s3cret") } });
    await pushWeb(address);
    await config({});
    const nobody = stand.client();
    expect(await nobody.resolve(`${address}/acme/web:${SHA_TAG}`)).toBeDefined();
    await expect(nobody.upload(`${address}/acme/web`, blobOfBytes(Buffer.from("x")))).rejects.toMatchObject({
      code: "REGISTRY_UNAUTHORISED",
      message: expect.stringContaining("nobody is logged in"),
    });
  });

  it("for a user who may not write says whose right is missing, and a wrong password is told as that", async () => {
    const { rig } = await withTokens({ users: { eve: { password: "s3cret", push: /^never$/ } } });
    const { address } = rig;
    await config({ auths: { [address]: basic("eve", "s3cret") } });
    const web = await stand.layout("web");
    const push = () => stand.push(stand.release(address, { web }), stand.client());
    await expect(push()).rejects.toMatchObject({
      code: "REGISTRY_UNAUTHORISED",
      exitCode: 16,
      message: expect.stringMatching(
        /no permission to write to acme\/web \(as `eve` of the docker config.*permission to write/,
      ),
    });
    await config({ auths: { [address]: basic("eve", "wrong") } });
    await expect(push()).rejects.toMatchObject({ code: "REGISTRY_UNAUTHORISED" });
  });
});
