/** Old images go from a real registry, and what a real target may need stays. */
import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, type Digest, isDigest, Redactor, systemClock } from "@belay/core";
import {
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  type RegistryClient,
  readRepository,
} from "@belay/registry";
import { loadSigningKey, signatureTag, signImage } from "@belay/sign";
import { createTestLog, makeImageLayout, openShop, runCli, type ShopStage } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";

let shop: ShopStage;
let client: RegistryClient;
let repository: string;
/** Ran before, and only the ledger knows it. */
let previous: Digest;
let running: Digest;
let made = 0;

beforeAll(async () => {
  shop = await openShop();
  repository = `${shop.registry.address}/acme/shop-web`;
  const redactor = new Redactor();
  const auth = createAuthenticator({
    env: { DOCKER_CONFIG: shop.temporary.path },
    runner: createRunner(redactor),
    redactor,
  });
  const log = createTestLog(redactor);
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure: insecureRegistries() });
  await shop.repository.commit("Name the project", "belay.yaml", ["project: shop", `project: ${shop.project}`]);
  previous = await deploy();
  await shop.repository.commit("Greet anew", "web/shop.mjs", ["Welcome to the shop", "Hello from the shop"]);
  running = await deploy();
});

afterAll(async () => {
  client?.close();
  await shop?.[Symbol.asyncDispose]();
});

/** Builds, pushes and deploys what is checked out. */
async function deploy(): Promise<Digest> {
  const { folder } = await runCli(shop, "build");
  const pushed = await runCli(shop, "push", { folder, args: ["--json"] });
  const [image] = (pushed.json?.services ?? []) as { image: string }[];
  const deployed = await runCli(shop, "deploy", { folder, args: ["--json", "--stable", "1s", "--drain", "0s"] });
  expect(deployed.json, deployed.stderr).toMatchObject({ outcome: "succeeded" });
  return digestOf(image?.image);
}

function digestOf(image: string | undefined): Digest {
  const digest = image?.split("@")[1] ?? "";
  if (!isDigest(digest)) throw new Error(`${image} has no digest`);
  return digest;
}

/** An image with these tags, by default of 2026-01-01. */
async function push(tags: readonly string[], platforms: readonly string[] = ["linux/amd64"], created?: string) {
  const name = `image-${++made}`;
  const files = Object.fromEntries(platforms.map((platform) => [platform, [{ "app/name": name.repeat(1_000) }]]));
  const layout = await makeImageLayout(
    join(shop.temporary.path, name),
    files,
    created === undefined ? {} : { created },
  );
  await layout.push(shop.registry.url, "acme/shop-web");
  const digest = digestOf(`x@${layout.digest}`);
  const manifest = await client.manifest(repository, digest);
  if (manifest === undefined) throw new Error("it was not pushed");
  for (const tag of tags) await client.putManifest(repository, tag, manifest);
  const parts = Object.values(layout.platforms).map((one) => digestOf(`x@${one.manifest}`));
  return { digest, parts };
}

const isThere = async (reference: string): Promise<boolean> =>
  (await client.manifest(repository, reference)) !== undefined;
const prune = (...args: string[]) => runCli(shop, "prune", { args: ["--json", ...args] });

it("shows what would go by default, then deletes it with all that hangs on it, and leaves what is needed", async () => {
  const old = await push(["sha-0123456789ab", "pr-7"]);
  const both = await push(["sha-1123456789ab"], ["linux/amd64", "linux/arm64"]);
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = await loadSigningKey(pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  for (const { digest } of [both, old])
    await signImage({ registry: client, clock: systemClock, repository, digest }, key);
  // The branch went on to another image: what runs has only its commit's name now.
  const branch = await push(["main", "sha-2123456789ab"]);
  const release = await push(["1.2.3"]);

  const shown = await prune("--last", "0");
  expect(shown.json, shown.stderr).toMatchObject({ outcome: "succeeded", dryRun: true, environments: ["staging"] });
  const [seen] = (shown.json?.repositories ?? []) as { freed: number; deleted: number; images: Image[] }[];
  expect(seen?.deleted).toBe(0);
  expect(seen?.freed).toBeGreaterThan(10_000);
  const reasons = Object.fromEntries((seen?.images ?? []).map(({ digest, keep, why }) => [digest, [keep, why]]));
  expect(reasons).toMatchObject({
    [old.digest]: [false, expect.anything()],
    [both.digest]: [false, expect.anything()],
    [branch.digest]: [true, "it is called main"],
    [release.digest]: [true, "it is called 1.2.3"],
    [running]: [true, "it runs in staging"],
    [previous]: [true, "deployment 1 of staging can be gone back to"],
  });
  for (const digest of [old.digest, both.digest, ...both.parts]) expect(await isThere(digest)).toBe(true);

  const done = await prune("--last", "0", "--dry-run", "false");
  expect(done.json, done.stderr).toMatchObject({ outcome: "succeeded", dryRun: false });
  for (const gone of [old.digest, both.digest, ...both.parts, signatureTag(old.digest), signatureTag(both.digest)]) {
    expect(await isThere(gone), gone).toBe(false);
  }
  expect(await client.tags(repository)).not.toContain("pr-7");
  for (const kept of [running, previous, branch.digest, release.digest, "main", "1.2.3"])
    expect(await isThere(kept)).toBe(true);
});

it("keeps the last ones", async () => {
  const { digest } = await push(["sha-3123456789ab"]);
  expect((await prune("--last", "10", "--dry-run", "false")).exitCode).toBe(0);
  expect(await isThere(digest)).toBe(true);
});

it("of more than the last ones keeps those that were made last, whatever was pushed last, and the next oldest goes", async () => {
  const days = ["2026-02-03", "2026-02-01", "2026-02-04", "2026-02-02"];
  const pushed = new Map<string, Digest>();
  for (const [index, day] of days.entries()) {
    const { digest } = await push([`sha-8${index}23456789ab`], ["linux/amd64"], `${day}T00:00:00Z`);
    pushed.set(day, digest);
  }
  // What runs and what ran before it were made after these.
  const done = await prune("--last", "5", "--dry-run", "false");
  expect(done.json, done.stderr).toMatchObject({ outcome: "succeeded", dryRun: false });
  const [{ images } = { images: [] }] = (done.json?.repositories ?? []) as Pruned[];
  const reasons = Object.fromEntries(images.map(({ digest, keep, why }) => [digest, [keep, why]]));
  const left = await Promise.all(days.toSorted().map(async (day) => [day, await isThere(pushed.get(day) ?? "")]));
  expect(left).toEqual([
    ["2026-02-01", false],
    ["2026-02-02", true],
    ["2026-02-03", true],
    ["2026-02-04", true],
  ]);
  for (const [day, digest] of pushed) {
    const kept = [true, "it is one of the last 5"];
    const gone = [false, "nothing needs it, and newer ones are kept"];
    expect(reasons[digest], day).toEqual(day === "2026-02-01" ? gone : kept);
  }
});

it("deletes nothing when one environment can't be asked", async () => {
  const { digest } = await push(["sha-4123456789ab"]);
  const path = join(shop.repository.folder, "belay.yaml");
  const before = await readFile(path, "utf8");
  const target = "{ kind: compose, host: 'unix:///nowhere/docker.sock', project: shop, files: [compose.yaml] }";
  const variables = "{ REGISTRY: x, BASE: x, PROXY_IMAGE: x, PORT: '1' }";
  await writeFile(path, `${before}  production:\n    target: ${target}\n    variables: ${variables}\n`);
  try {
    const failed = await prune("--last", "0", "--dry-run", "false");
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toContain("/nowhere/docker.sock");
  } finally {
    await writeFile(path, before);
  }
  expect(await isThere(digest)).toBe(true);
});

it("deletes from GitHub's registry by GitHub's API, and nothing that a kept image has", async () => {
  const going = await push(["sha-5123456789ab"], ["linux/amd64", "linux/arm64"]);
  const popular = await push(["sha-6123456789ab"], ["linux/amd64", "linux/arm64"]);
  const release = await push(["2.0.0"], ["linux/amd64", "linux/arm64"]);
  // A platform of a release that was tagged by itself: deleted, it would leave the release without it.
  const [platform] = release.parts;
  const manifest = platform && (await client.manifest(repository, platform));
  if (manifest === undefined) throw new Error("a platform is missing");
  await client.putManifest(repository, "sha-7123456789ab", manifest);
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = await loadSigningKey(pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  for (const { digest } of [going, release])
    await signImage({ registry: client, clock: systemClock, repository, digest }, key);
  const before = await announcePackage(popular.digest);
  const digests = (): string[] => shop.github.packageVersions().map(({ digest }) => digest);
  const pruneThere = (token: string, dryRun: boolean) => {
    const args = ["--json", "--last", "0", "--github-registry", shop.registry.address, "--dry-run", String(dryRun)];
    return runCli(shop, "prune", { args, env: { GITHUB_TOKEN: token } });
  };
  for (const level of ["read", "write"] as const)
    shop.github.addToken({ token: `ghs_${level}`, permissions: { packages: level } });

  const shown = await pruneThere("ghs_read", true);
  expect(shown.json, shown.stderr).toMatchObject({ outcome: "succeeded", repositories: [{ deleted: 0 }] });
  const refused = await pruneThere("ghs_read", false);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain("`permissions: packages: write`");
  expect(digests().sort()).toEqual(before);

  const done = await pruneThere("ghs_write", false);
  expect(done.json, done.stderr).toMatchObject({ outcome: "succeeded", dryRun: false });
  const left = digests();
  const signed = async (digest: Digest) => (await client.manifest(repository, signatureTag(digest)))?.digest;
  for (const gone of [going.digest, ...going.parts, await signed(going.digest)]) expect(left).not.toContain(gone);
  const kept = [release, popular].flatMap(({ digest, parts }) => [digest, ...parts]);
  for (const stays of [...kept, await signed(release.digest), running, previous]) expect(left).toContain(stays);
  const [{ deleted, images } = { deleted: 0, images: [] }] = (done.json?.repositories ?? []) as Pruned[];
  expect(deleted).toBe(before.length - left.length);
  const reasons = Object.fromEntries(images.map(({ digest, keep, why }) => [digest, [keep, why]]));
  expect(reasons[popular.digest]).toEqual([true, expect.stringContaining("more than 5000 downloads")]);
  expect(reasons[platform ?? ""]).toEqual([true, "it is a part of an image that is kept"]);
  // Its own registry was asked for nothing.
  expect(await isThere(going.digest)).toBe(true);
  expect(shop.github.violations).toEqual([]);
});

/** Makes every manifest of the repository a version of a package at GitHub, as in its registry; their digests, sorted. */
async function announcePackage(popular: Digest): Promise<string[]> {
  const images = await readRepository(client, repository, createTestLog(new Redactor()));
  const tags = new Map<string, string[]>();
  for (const tag of await client.tags(repository)) {
    const digest = (await client.manifest(repository, tag))?.digest ?? "";
    tags.set(digest, [...(tags.get(digest) ?? []), tag]);
  }
  const all = images.flatMap(({ manifests, attached }) => [...manifests.keys(), ...attached.keys()]);
  for (const digest of new Set(all)) {
    const seed = { package: "shop-web", digest, tags: tags.get(digest) ?? [] };
    shop.github.addPackageVersion({ ...seed, popular: digest === popular });
  }
  return [...new Set<string>(all)].sort();
}

interface Pruned {
  readonly deleted: number;
  readonly images: readonly Image[];
}

interface Image {
  readonly digest: string;
  readonly keep: boolean;
  readonly why: string;
}
