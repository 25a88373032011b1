import { type Digest, sha256 } from "@belay/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Artifact, attachArtifact, findArtifacts, readArtifact } from "./attach-artifact.ts";
import { MEDIA_TYPES } from "./manifest.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RegistryError } from "./registry-error.ts";
import { clientFor } from "./testing/client-for.ts";
import { type FakeRegistry, startFakeRegistry } from "./testing/fake-registry.ts";

const SBOM = "application/vnd.cyclonedx+json";
let registry: FakeRegistry;
let subject: Digest;

beforeEach(() => start(false));
afterEach(() => registry[Symbol.asyncDispose]());

async function start(referrers: boolean): Promise<void> {
  await registry?.[Symbol.asyncDispose]();
  registry = await startFakeRegistry({ referrers });
  subject = registry.addImage("web", "v1", "web").manifest;
}

const sbom = (text: string, annotations = { "org.example.made-by": text }): Artifact => ({
  artifactType: SBOM,
  bytes: Buffer.from(text),
  annotations,
});

/** A writer of its own, as another run is, unless it is given a client. */
function writer(change: (client: RegistryClient) => RegistryClient = (client) => client) {
  const { client, clock, log } = clientFor();
  const repository = `${registry.address}/web`;
  const attach = (artifact: Artifact) =>
    attachArtifact({ registry: change(client), repository, subject, artifact, clock, log, random: () => 0 });
  const found = async () => (await findArtifacts(client, repository, subject, SBOM)).map(({ digest }) => digest);
  return { attach, found, client, log, repository };
}

describe.each([true, false])("an artifact beside an image (referrers API: %j)", (referrers) => {
  it("is found by its kind, with its annotations, and read back", async () => {
    await start(referrers);
    const { attach, client, repository } = writer();
    const { digest, listed } = await attach(sbom("one"));
    await attach({ artifactType: "application/sarif+json", mediaType: "application/json", bytes: Buffer.from("{}") });
    expect(listed).toBe(true);
    const found = await findArtifacts(client, repository, subject, SBOM);
    expect(found).toMatchObject([{ digest, artifactType: SBOM }]);
    if (!referrers) expect(found[0]?.annotations).toEqual({ "org.example.made-by": "one" });
    expect(await findArtifacts(client, repository, subject)).toHaveLength(2);
    expect((await readArtifact(client, repository, digest))?.toString()).toBe("one");
    expect(await attach(sbom("one"))).toEqual({ digest, listed: true });
    expect(await findArtifacts(client, repository, subject, SBOM)).toHaveLength(1);
  });
});

describe("a registry that for a moment does not know a blob that it has just taken", () => {
  /** Refuses so many manifests. */
  function refusing(times: number, got: string) {
    let left = times;
    return writer((client) => ({
      ...client,
      putManifest: async (...put) => {
        if (left-- > 0) throw new RegistryError("REGISTRY_ERROR", { doing: "writing it", got }, { status: 400 });
        return client.putManifest(...put);
      },
    }));
  }

  it("gets the artifact a moment later", async () => {
    const { attach, found } = refusing(3, "it answered 400: MANIFEST_BLOB_UNKNOWN blob unknown to registry");
    const { digest } = await attach(sbom("one"));
    expect(await found()).toEqual([digest]);
  });

  it("is told when it stays so, and any other refusal at once", async () => {
    const unknown = refusing(99, "it answered 400: MANIFEST_BLOB_UNKNOWN blob unknown to registry");
    await expect(unknown.attach(sbom("one"))).rejects.toThrow("MANIFEST_BLOB_UNKNOWN");
    const invalid = refusing(1, "it answered 400: MANIFEST_INVALID");
    await expect(invalid.attach(sbom("one"))).rejects.toThrow("MANIFEST_INVALID");
  });
});

describe("a registry that got the referrers API later", () => {
  /** Beside what the API tells, as an older client left it. */
  async function listed(text: string) {
    const { attach } = writer((client) => ({
      ...client,
      putManifest: async (...put) => ({ ...(await client.putManifest(...put)), subject: false }),
    }));
    const { digest } = await attach(sbom(text));
    return digest;
  }

  beforeEach(() => start(true));

  it("hides nothing that only the tag lists, and tells the younger ones of the API last", async () => {
    const { attach, client, found, repository } = writer();
    const both = await listed("old");
    const old = sha256("only in the tag");
    const tag = `web/${subject.replace(":", "-")}`;
    const index = JSON.parse(String(registry.manifests.get(tag)?.bytes));
    index.manifests.push({ mediaType: MEDIA_TYPES.ociManifest, digest: old, size: 1, artifactType: SBOM });
    registry.manifests.set(tag, { mediaType: MEDIA_TYPES.ociIndex, bytes: Buffer.from(JSON.stringify(index)) });
    const { digest } = await attach(sbom("new"));
    expect(await found()).toEqual([old, both, digest]);
    expect(await findArtifacts(client, repository, subject)).toHaveLength(3);
  });

  it("asks an artifact itself whose entry under the tag tells only its config's kind", async () => {
    await start(false);
    const { attach, found } = writer();
    const { digest } = await attach(sbom("one"));
    await attach({ artifactType: "application/sarif+json", bytes: Buffer.from("{}") });
    const tag = `web/${subject.replace(":", "-")}`;
    const index = JSON.parse(String(registry.manifests.get(tag)?.bytes));
    for (const entry of index.manifests) entry.artifactType = MEDIA_TYPES.empty;
    index.manifests.push({ ...index.manifests[0], digest: sha256("nothing") });
    registry.manifests.set(tag, { mediaType: MEDIA_TYPES.ociIndex, bytes: Buffer.from(JSON.stringify(index)) });
    expect(await found()).toEqual([digest]);
  });

  it("asks the youngest only where the tag lists many", async () => {
    await start(false);
    const { attach, found } = writer();
    await attach(sbom("old"));
    const { digest } = await attach(sbom("young"));
    const tag = `web/${subject.replace(":", "-")}`;
    const { manifests, ...index } = JSON.parse(String(registry.manifests.get(tag)?.bytes));
    const [old, young] = manifests.map((entry: object) => ({ ...entry, artifactType: MEDIA_TYPES.empty }));
    const many = Array.from({ length: 500 }, (_none, at) => ({ ...old, digest: sha256(`nothing ${at}`) }));
    const bytes = Buffer.from(JSON.stringify({ ...index, manifests: [old, ...many, young] }));
    registry.manifests.set(tag, { mediaType: MEDIA_TYPES.ociIndex, bytes });
    const before = registry.requests.length;
    expect(await found()).toEqual([digest]);
    expect(registry.requests.length - before).toBeLessThan(110);
  });

  it.each([
    [{ body: "no index" }, "REGISTRY_ERROR"],
    [{ status: 500 }, "REGISTRY_ERROR"],
    [{ status: 403 }, "REGISTRY_UNAUTHORISED"],
  ])("is no worse for a list under the tag that can't be read (%j)", async (fault, code) => {
    const { attach, found } = writer();
    registry.fault({ when: /manifests\/sha256-/, ...fault });
    await expect(found()).rejects.toMatchObject({ code });
    const { digest } = await attach(sbom("new"));
    expect(await found()).toEqual([digest]);
  });

  it("is told to be unreachable when it is so before all is read", async () => {
    const { attach, client, repository } = writer();
    await attach(sbom("new"));
    registry.fault({ when: /manifests\/sha256-/, cut: true });
    const find = findArtifacts(client, repository, subject, SBOM);
    await expect(find).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });
});

describe("writers of one fallback tag", () => {
  it("in one process wait for each other", async () => {
    const { attach, found } = writer();
    const attached = await Promise.all(["one", "two", "three", "four"].map((text) => attach(sbom(text))));
    expect(attached.map(({ listed }) => listed)).toEqual([true, true, true, true]);
    expect((await found()).sort()).toEqual(attached.map(({ digest }) => digest).sort());
  });

  it("put back what another run's write has pushed out, theirs too", async () => {
    const { attach, found } = writer();
    const theirs = await attach(sbom("theirs"));
    const tag = `web/${subject.replace(":", "-")}`;
    let wiped = false;
    const wipes = writer((client) => ({
      ...client,
      // A third one writes after our read a list that it made before theirs was in it.
      putManifest: async (repository, reference, manifest) => {
        const answer = await client.putManifest(repository, reference, manifest);
        if (!wiped && reference.startsWith("sha256-")) {
          wiped = true;
          registry.manifests.delete(tag);
        }
        return answer;
      },
    }));
    const ours = await wipes.attach(sbom("ours"));
    expect(ours.listed).toBe(true);
    expect((await found()).sort()).toEqual([theirs.digest, ours.digest].sort());
  });

  it("that read at the same moment and write one over the other both end up in it", async () => {
    const tag = `web/${subject.replace(":", "-")}`;
    const other = writer();
    const theirs = other.attach(sbom("theirs"));
    await theirs;
    const stale = registry.manifests.get(tag);
    registry.manifests.delete(tag);
    let written = 0;
    const { attach, found } = writer((client) => ({
      ...client,
      putManifest: async (repository, reference, manifest) => {
        const answer = await client.putManifest(repository, reference, manifest);
        // They had read the empty list too, and write theirs over ours; they never look at it again.
        if (reference.startsWith("sha256-") && ++written === 1 && stale !== undefined)
          registry.manifests.set(tag, stale);
        return answer;
      },
    }));
    const ours = await attach(sbom("ours"));
    expect(written).toBe(2);
    expect((await found()).sort()).toEqual([(await theirs).digest, ours.digest].sort());
  });

  it("that are never left alone say so", async () => {
    registry.onPut = (reference) => {
      if (reference.startsWith("sha256-")) registry.manifests.delete(`web/${reference}`);
    };
    const { attach, log } = writer();
    expect(await attach(sbom("one"))).toMatchObject({ listed: false });
    expect(log.text()).toContain(`The ${SBOM} is stored, but`);
  });
});

it("is refused for an image that is not there", async () => {
  subject = `sha256:${"0".repeat(64)}`;
  await expect(writer().attach(sbom("one"))).rejects.toThrow("Push it first");
});
