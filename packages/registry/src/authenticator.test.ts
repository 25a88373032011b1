import { chmod, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAuthenticator } from "./authenticator.ts";

let folder: TemporaryFolder;
let redactor: Redactor;
const PATH = process.env.PATH ?? "";

beforeEach(async () => {
  folder = await temporaryFolder("belay-auth");
  redactor = new Redactor();
  process.env.PATH = `${folder.path}${delimiter}${PATH}`;
  return async () => folder.remove();
});
afterEach(() => {
  process.env.PATH = PATH;
});

function authenticator(env: Record<string, string> = {}) {
  const all = { DOCKER_CONFIG: folder.path, ...env };
  return createAuthenticator({ env: all, runner: createRunner(redactor), redactor });
}

async function config(value: unknown): Promise<void> {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  await writeFile(join(folder.path, "config.json"), text);
}

/** A real program on the PATH that speaks the helpers' protocol. */
async function helper(name: string, script: string): Promise<void> {
  const path = join(folder.path, `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\nread server\necho "$1 $server" >> ${folder.path}/calls\n${script}\n`);
  await chmod(path, 0o755);
}

const encode = (text: string): string => Buffer.from(text).toString("base64");

describe("credentials", () => {
  it("are read from the docker config and known to the redactor at once", async () => {
    await config({ auths: { "127.0.0.1:5000": { auth: encode("ada:s3cret:with:colons") } } });
    const auth = authenticator();
    expect(await auth.credentialsFor("127.0.0.1:5000")).toMatchObject({
      username: "ada",
      password: "s3cret:with:colons",
    });
    expect(redactor.redact(`the password is s3cret:with:colons, ${encode("ada:s3cret:with:colons")}`)).toBe(
      "the password is ***, ***",
    );
    const engine = { username: "ada", password: "s3cret:with:colons", serveraddress: "127.0.0.1:5000" };
    expect(await auth.engineAuth("127.0.0.1:5000")).toEqual(engine);
    expect(await auth.credentialsFor("ghcr.io")).toBeUndefined();
    expect(await auth.engineAuth("ghcr.io")).toBeUndefined();
  });

  it.each(["https://index.docker.io/v1/", "docker.io", "index.docker.io"])(
    "of Docker Hub stand under %s",
    async (key) => {
      await config({ auths: { [key]: { auth: encode("ada:s3cret") } } });
      const auth = authenticator();
      expect(await auth.credentialsFor("docker.io")).toMatchObject({ username: "ada" });
      expect(await auth.engineAuth("docker.io")).toMatchObject({ serveraddress: "https://index.docker.io/v1/" });
    },
  );

  it("may be an identity token", async () => {
    await config({ auths: { "a.example": { auth: encode("ada:"), identitytoken: "refresh-me" } } });
    expect(await authenticator().engineAuth("a.example")).toEqual({
      username: "ada",
      identitytoken: "refresh-me",
      serveraddress: "a.example",
    });
  });

  it("come from the registry's own helper before the common store, asked once", async () => {
    await helper("own", `echo '{"ServerURL":"x","Username":"<token>","Secret":"from-own-helper"}'`);
    await helper("store", `echo '{"ServerURL":"x","Username":"bob","Secret":"from-the-store"}'`);
    await config({ credHelpers: { "a.example": "own" }, credsStore: "store" });
    const auth = authenticator();
    await auth.credentialsFor("a.example");
    expect(await auth.credentialsFor("a.example")).toMatchObject({ identityToken: "from-own-helper" });
    expect(await auth.credentialsFor("docker.io")).toMatchObject({ username: "bob", from: "docker-credential-store" });
    expect(redactor.redact("from-own-helper from-the-store")).toBe("*** ***");
    const { readFile } = await import("node:fs/promises");
    const calls = await readFile(join(folder.path, "calls"), "utf8");
    expect(calls).toBe("get a.example\nget https://index.docker.io/v1/\n");
  });

  it("fall through to the file when the helper knows none, and end with its words when it fails", async () => {
    await helper("store", `echo "credentials not found in native keychain"; exit 1`);
    await config({ credsStore: "store", auths: { "a.example": { auth: encode("ada:s3cret") } } });
    expect(await authenticator().credentialsFor("a.example")).toMatchObject({ username: "ada" });
    await helper("store", `echo "the keychain is locked" >&2; exit 1`);
    await expect(authenticator().credentialsFor("a.example")).rejects.toThrow("the keychain is locked");
    await helper("store", `echo "not json s3cret-inside"`);
    const broken = await authenticator()
      .credentialsFor("a.example")
      .catch((error: Error) => error.message);
    expect(broken).toContain("not the credential helpers' JSON");
    expect(broken).not.toContain("s3cret-inside");
    await config({ credsStore: "no-such-helper" });
    await expect(authenticator().credentialsFor("a.example")).rejects.toMatchObject({ code: "TOOL_MISSING" });
    await config({ credsStore: "../evil" });
    await expect(authenticator().credentialsFor("a.example")).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("of GHCR are GITHUB_TOKEN when there are no others", async () => {
    const env = { GITHUB_TOKEN: "ghs_secret", GITHUB_ACTOR: "ada" };
    const found = await authenticator(env).credentialsFor("ghcr.io");
    expect(found).toEqual({ username: "ada", password: "ghs_secret", from: "GITHUB_TOKEN" });
    expect(await authenticator(env).credentialsFor("docker.io")).toBeUndefined();
    const github = { ...env, GITHUB_SERVER_URL: "https://github.com" };
    expect(await authenticator(github).credentialsFor("ghcr.io")).toMatchObject({ username: "ada" });
    const enterprise = { ...env, GITHUB_SERVER_URL: "https://git.example" };
    expect(await authenticator(enterprise).credentialsFor("ghcr.io")).toBeUndefined();
    await config({ auths: { "ghcr.io": { auth: encode("bob:own") } } });
    expect(await authenticator(enterprise).credentialsFor("ghcr.io")).toMatchObject({ username: "bob" });
    expect(await authenticator(env).credentialsFor("ghcr.io")).toMatchObject({ username: "bob" });
  });

  it("are refused from a broken file without showing what is in it", async () => {
    await config('{"auths": {"a.example": {"auth": "s3cret-inside"}');
    const message = await authenticator()
      .credentialsFor("a.example")
      .catch((error: Error) => error.message);
    expect(message).toContain("config.json is no JSON object");
    expect(message).not.toContain("s3cret-inside");
  });
});
