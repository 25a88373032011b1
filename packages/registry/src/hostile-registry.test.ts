import { BelayError } from "@belay/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blobOfBytes } from "./blob-source.ts";
import { clientFor, type TestClient } from "./testing/client-for.ts";
import { type FakeRegistry, startFakeRegistry } from "./testing/fake-registry.ts";

const DIGEST = `sha256:${"a".repeat(64)}` as const;
/** Bytes that a header may carry and that nobody should obey. */
const NASTY = [
  "$(touch hostile)",
  "`touch hostile`",
  "::set-output name=x::y",
  "--flag=x",
  "a%0A::error::b",
  "..\\..\\x",
];

let registry: FakeRegistry;
let test: TestClient;

beforeEach(async () => {
  registry = await startFakeRegistry();
  test = clientFor({ username: "ada", password: "s3cret", from: "the test" }, { attempts: 1 });
});
afterEach(async () => {
  test.client.close();
  await registry[Symbol.asyncDispose]();
});

const repository = () => `${registry.address}/web`;

/** It ends in an error of ours, of one line, that shows no secret and is no workflow command. */
async function refused(work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BelayError);
  const { message, code } = error as BelayError;
  expect(code).not.toBe("INTERNAL");
  expect(message).not.toMatch(/[\r\n]/);
  expect(message).not.toContain("s3cret");
}

describe("what a registry answers is data", () => {
  it.each([...NASTY, "http://[", "file:///etc/passwd", "javascript:alert(1)", "//", "http://x:99999/"])(
    "the place of an upload: %s",
    async (location) => {
      registry.fault({ when: /^POST/, status: 202, headers: { Location: location } });
      registry.fault({ when: /^PUT/, status: 404 });
      await refused(test.client.upload(repository(), blobOfBytes(Buffer.from("x"))));
    },
  );

  it.each(["http://[", "file:///etc/passwd", ...NASTY])("a redirect: %s", async (location) => {
    registry.fault({ when: /manifests\/v1/, status: 307, headers: { Location: location } });
    // What is a path of the registry is followed, and not found there.
    const found = test.client.manifest(repository(), "v1").catch((error: unknown) => error);
    const result = await found;
    if (result !== undefined) expect(result).toBeInstanceOf(BelayError);
  });

  it.each(NASTY)("a challenge that names %s", async (text) => {
    const quoted = text.replace(/["\\]/g, "\\$&");
    for (const challenge of [`Bearer realm="${quoted}"`, `Bearer realm="${quoted}",service="${quoted}"`, quoted]) {
      registry.fault({ when: /manifests/, status: 401, headers: { "WWW-Authenticate": challenge }, times: 1 });
      await refused(test.client.manifest(repository(), "v1"));
    }
  });

  it.each([...NASTY, `${DIGEST}::x`])("a digest that is %s", async (digest) => {
    registry.fault({ when: /manifests/, status: 200, headers: { "Docker-Content-Digest": digest }, body: "{}" });
    await refused(test.client.manifest(repository(), "v1"));
  });

  it.each([
    "null",
    "[]",
    "{",
    '{"config":{"digest":"../../x","size":1,"mediaType":"x"}}',
    '{"config":"$(x)"}',
    '{"config":{"digest":"sha256:..","size":-1}}',
  ])("a manifest that is %s", async (body) => {
    const headers = { "Content-Type": "application/vnd.oci.image.manifest.v1+json" };
    registry.fault({ when: /manifests/, status: 200, headers, body });
    await refused(test.client.resolve(`${repository()}:v1`));
  });

  it("a token with a line break in it never becomes a header", async () => {
    await using closed = await startFakeRegistry({ auth: "token", user: "ada", password: "s3cret" });
    closed.fault({ when: /\/token/, status: 200, body: JSON.stringify({ token: "x\r\nX-Evil: s3cret" }) });
    await refused(test.client.manifest(`${closed.address}/web`, "v1"));
  });
});

describe("what Belay is given becomes no other address", () => {
  it.each(["../../../v2/_catalog", "v1?x=y", "v1#x", "a/b", "", "-x", "v1\n", "\u202ev1", "x".repeat(129)])(
    "a tag %j",
    async (tag) => {
      await expect(test.client.manifest(repository(), tag)).rejects.toMatchObject({ code: "INVALID_INPUT" });
      const manifest = { digest: DIGEST, mediaType: "x", bytes: Buffer.from("{}") };
      await expect(test.client.putManifest(repository(), tag, manifest)).rejects.toMatchObject({
        code: "INVALID_INPUT",
      });
      expect(registry.requests).toEqual([]);
    },
  );

  it.each(["../x", "$(x)", "a b", "x\n::set-output", "--flag", "", "a//b", "a/../b", "A/b?c"])(
    "a repository %j",
    async (name) => {
      const work = async () => test.client.manifest(`${registry.address}/${name}`, "v1");
      await expect(work()).rejects.toMatchObject({ code: "INVALID_INPUT" });
    },
  );
});
