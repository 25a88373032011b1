import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256 } from "@belay/core";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layoutIdentity } from "./layout-identity.ts";

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder("belay-identity");
  await mkdir(join(folder.path, "blobs/sha256"), { recursive: true });
});
afterEach(() => folder.remove());

async function put(value: object): Promise<{ digest: Digest; size: number }> {
  const text = JSON.stringify(value);
  const digest = sha256(text);
  await writeFile(join(folder.path, "blobs", digest.replace(":", "/")), text);
  return { digest, size: text.length };
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

async function image(architecture: string, variant?: string, note = "") {
  const config = await put({ os: "linux", architecture, variant, note });
  return { mediaType: MANIFEST, config: config.digest, ...(await put({ config, layers: [] })) };
}

function attestation(of: Digest) {
  const annotations = { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of };
  const platform = { os: "unknown", architecture: "unknown" };
  return { mediaType: MANIFEST, digest: sha256(of), size: 1, annotations, platform };
}

async function layout(manifests: readonly object[]): Promise<void> {
  await writeFile(join(folder.path, "index.json"), JSON.stringify({ manifests }));
}

async function index(manifests: readonly object[]) {
  return { mediaType: INDEX, ...(await put({ manifests })) };
}

const claim = () => ({ path: folder.path, platforms: [], attested: false });

describe("the identity of a layout", () => {
  it("is that of its only platform, without an index", async () => {
    const amd64 = await image("amd64");
    await layout([amd64]);
    const platforms = { "linux/amd64": { config: amd64.config, manifest: amd64.digest } };
    expect(await layoutIdentity({ ...claim(), digest: amd64.digest, config: amd64.config })).toEqual({ platforms });
  });

  it("has every platform of its index, as it was asked for, by any of their names", async () => {
    const images = [await image("amd64"), await image("arm64", "v8"), await image("arm", "v7")];
    const root = await index(images);
    await layout([root]);
    const platforms = ["linux/amd64", "linux/arm64/v8", "linux/arm64", "linux/arm"];
    const identity = await layoutIdentity({ ...claim(), platforms, digest: root.digest });
    expect(identity.index).toBe(root.digest);
    expect(Object.keys(identity.platforms)).toEqual(["linux/amd64", "linux/arm64", "linux/arm/v7"]);
  });

  it("is refused when it is not what the builder made or was asked for", async () => {
    const [amd64, arm64] = [await image("amd64"), await image("arm64")];
    const other = `sha256:${"f".repeat(64)}`;
    await layout([amd64]);
    const refused = async (more: object, got: string) =>
      expect(layoutIdentity({ ...claim(), ...more })).rejects.toMatchObject({
        code: "BUILD_FAILED",
        got: expect.stringContaining(got),
      });
    await refused({ digest: other }, "the builder says that it made sha256:ffff");
    await refused({ config: other }, "the builder says that it made sha256:ffff");
    await refused({ platforms: ["linux/arm64"] }, "linux/arm64 was asked for");
    await refused({ attested: true }, "linux/amd64 has none");
    await layout([amd64, arm64]);
    await refused({}, "it holds 2 images");
    await layout([await index([amd64, await image("amd64", undefined, "another")])]);
    await refused({}, "a platform twice");
    await layout([await index([amd64, arm64, attestation(amd64.digest)])]);
    await refused({ attested: true }, "linux/arm64 has none");
    await layout([await index([amd64, arm64, attestation(amd64.digest), attestation(arm64.digest)])]);
    expect(Object.keys((await layoutIdentity({ ...claim(), attested: true })).platforms)).toHaveLength(2);
  });
});
