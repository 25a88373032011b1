/** Names that somebody gives while old images are looked at, in the real distribution registry. */
import { join } from "node:path";
import { createRunner, type Digest, isDigest, Redactor, sha256, systemClock } from "@belay/core";
import {
  attachArtifact,
  chooseImages,
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  MEDIA_TYPES,
  manifestsToDelete,
  RELEASE_ARTIFACT,
  type RegistryClient,
  readRepository,
  type StoredManifest,
  withoutNewNames,
} from "@belay/registry";
import {
  createTestLog,
  makeImageLayout,
  type RegistryRig,
  startRegistry,
  type TemporaryFolder,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";

const redactor = new Redactor();
const log = createTestLog(redactor);
let place: TemporaryFolder;
let registry: RegistryRig;
let client: RegistryClient;
let made = 0;

beforeAll(async () => {
  place = await temporaryFolder("belay-prune-names");
  registry = await startRegistry();
  const auth = createAuthenticator({
    env: { DOCKER_CONFIG: place.path },
    runner: createRunner(redactor),
    redactor,
  });
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure: insecureRegistries() });
});
afterAll(async () => {
  client?.close();
  await registry?.stop();
  await place?.remove();
});

async function push(name: string, tags: readonly string[], platforms = ["linux/amd64"]) {
  const text = `image ${++made}`;
  const files = Object.fromEntries(platforms.map((platform) => [platform, [{ "app/name": text + platform }]]));
  const layout = await makeImageLayout(join(place.path, `${made}`), files);
  await layout.push(registry.url, name);
  const { digest } = layout;
  if (!isDigest(digest)) throw new Error(`${digest} is no digest`);
  for (const tag of tags) await call(name, tag, digest);
  return { digest, parts: Object.values(layout.platforms).map(({ manifest }) => manifest as Digest) };
}

/** Gives a name, new or not. */
async function call(name: string, tag: string, digest: Digest): Promise<void> {
  const repository = `${registry.address}/${name}`;
  const manifest = await client.manifest(repository, digest);
  if (manifest === undefined) throw new Error(`${digest} is not there`);
  await client.putManifest(repository, tag, manifest);
}

it("keep an image: a new one, one that was moved to it or to its platform, and one of an index that shares it", async () => {
  const name = "acme/renamed";
  const repository = `${registry.address}/${name}`;
  const [moved, fresh, part, shared, left] = [
    await push(name, ["sha-0000000"]),
    await push(name, ["sha-1111111"]),
    await push(name, ["sha-2222222"], ["linux/amd64", "linux/arm64"]),
    await push(name, ["sha-3333333"], ["linux/amd64", "linux/arm64"]),
    await push(name, ["sha-5555555"]),
  ];
  const main = await push(name, ["main", "stable"]);
  const images = await readRepository(client, repository, log);
  const choices = chooseImages({ images, needed: new Map(), last: 0 });
  const going = (all: typeof choices) => all.filter(({ keep }) => !keep).map(({ image }) => image.digest);
  expect(going(choices).sort()).toEqual([moved, fresh, part, shared, left].map(({ digest }) => digest).sort());
  // Somebody goes back by tag, which takes the name from another image.
  await call(name, "main", moved.digest);
  await call(name, "hotfix", fresh.digest);
  await call(name, "stable", part.parts[1] ?? part.digest);
  await client.putManifest(
    repository,
    "arm",
    indexOf((await client.manifest(repository, shared.parts[1] ?? "")) ?? lost()),
  );
  const again = await withoutNewNames(client, repository, choices);
  expect(going(again)).toEqual([left.digest]);
  expect(manifestsToDelete(again)).toEqual([left.digest]);
  const why = Object.fromEntries(again.map(({ image, why }) => [image.digest, why]));
  expect(why[moved.digest]).toBe("it was just called main");
  expect(why[part.digest]).toBe("it was just called stable");
  expect(why[shared.digest]).toBe("it was just called arm");
  expect(why[main.digest]).toMatch(/^it is called (main|stable)$/);
});

function lost(): never {
  throw new Error("it is not there");
}

/** An index of that platform alone. */
function indexOf({ digest, mediaType, bytes: part }: StoredManifest): StoredManifest {
  const manifests = [{ mediaType, digest, size: part.byteLength, platform: { os: "linux", architecture: "arm64" } }];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
  return { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociIndex, bytes };
}

it("change nothing where they are as they were", async () => {
  const name = "acme/quiet";
  const repository = `${registry.address}/${name}`;
  await push(name, ["sha-4444444", "pr-7"], ["linux/amd64", "linux/arm64"]);
  await push(name, ["main"]);
  const images = await readRepository(client, repository, log);
  const choices = chooseImages({ images, needed: new Map(), last: 0 });
  expect(await withoutNewNames(client, repository, choices)).toEqual(choices);
});

it("keeps an image that was pushed lately, as the release beside it tells, whatever age it has itself", async () => {
  const name = "acme/waiting";
  const repository = `${registry.address}/${name}`;
  const [waiting, old] = [await push(name, ["sha-0000000"]), await push(name, ["sha-1111111"])];
  const pushed = (digest: Digest, on: string): Promise<unknown> => {
    const annotations = { "org.opencontainers.image.created": on };
    const artifact = { artifactType: RELEASE_ARTIFACT, bytes: Buffer.from(on), annotations };
    return attachArtifact({ registry: client, repository, subject: digest, artifact, clock: systemClock, log });
  };
  await pushed(waiting.digest, "2026-03-02T00:00:00Z");
  await pushed(waiting.digest, "2026-02-02T00:00:00Z");
  await pushed(old.digest, "2026-02-02T00:00:00Z");
  const images = await readRepository(client, repository, log);
  const choices = chooseImages({ images, needed: new Map(), last: 0, youngerThan: new Date("2026-03-01T00:00:00Z") });
  const kept = choices.filter(({ keep }) => keep);
  expect(kept).toMatchObject([{ image: { digest: waiting.digest }, why: expect.stringMatching(/^it was pushed on /) }]);
});
