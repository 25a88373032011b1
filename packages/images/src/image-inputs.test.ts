import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildSettings } from "@belay/config";
import { createRelease, createRunner, Redactor, type Release } from "@belay/core";
import { createRepository, createTestLog, type ThrowawayRepository } from "@belay/testkit";
import { beforeEach, expect, it } from "vitest";
import { tarOf } from "./archive/tar.fixture.ts";
import { changedInputs, warnOfChangedInputs } from "./changed-inputs.ts";
import { type ImageInputs, imageInputs } from "./image-inputs.ts";

let repository: ThrowawayRepository;

beforeEach(async () => {
  repository = await createRepository({ slug: "acme/shop" });
  await mkdir(join(repository.folder, "shops/web"), { recursive: true });
  await writeFile(join(repository.folder, "shops/web/Dockerfile"), "FROM scratch\n");
  return () => repository.remove();
});

const COMMIT = "0123456789ab".padEnd(40, "0");

async function inputs(
  build: Partial<BuildSettings> = {},
  redactor = new Redactor(),
  revision = COMMIT,
): Promise<ImageInputs> {
  const directory = join(repository.folder, "shops");
  const own = { context: join(directory, "web"), args: {}, platforms: [], ...build };
  const services = { cache: { names: {} }, web: { names: {}, build: own } };
  const application = { application: "shop", services, directory };
  const all = await imageInputs({ application, revision, runner: createRunner(new Redactor()), redactor });
  return all.web ?? {};
}

const releaseOf = (evidence: Release["evidence"]): Release =>
  createRelease({
    stage: "push",
    application: "shop",
    source: { repository: "", revision: COMMIT },
    services: { web: { repository: "ghcr.io/acme/web", platforms: {}, tags: ["sha-0123456789ab"] } },
    evidence,
    createdAt: "2026-01-01T00:00:00Z",
  });

async function changed(before: ImageInputs, build: Partial<BuildSettings>): Promise<readonly string[]> {
  const earlier = releaseOf({ build: { inputs: { web: before } } });
  return changedInputs(earlier, { web: await inputs(build) }).web ?? [];
}

it("are the same wherever the repository lies, and hold no value as it is", async () => {
  const build: Partial<BuildSettings> = {
    args: { CHANNEL: "beta-channel" },
    target: "runtime-stage",
    contexts: { shared: "/elsewhere/of/this/run", base: "docker-image://alpine:3" },
    secrets: { npm: { env: "NPM_TOKEN" }, key: { file: "/run/key" } },
    ssh: ["default", "deploy=/run/deploy"],
  };
  const before = await inputs(build);
  const names = [
    "args.CHANNEL",
    "context",
    "contexts.base",
    "contexts.shared",
    "dockerfile",
    "secrets.key",
    "secrets.npm",
  ];
  expect(Object.keys(before).sort()).toEqual([...names, "ssh.default", "ssh.deploy", "target"]);
  for (const value of Object.values(before)) expect(value).toMatch(/^[0-9a-f]{16}$/);
  const moved = `${repository.folder}-moved`;
  await rename(repository.folder, moved);
  repository = { ...repository, folder: moved, remove: () => rm(moved, { recursive: true }) };
  const contexts = { shared: "/elsewhere/of/that/run", base: "docker-image://alpine:3" };
  expect(await changed(before, { ...build, contexts, ssh: ["default", "deploy=/run/other"] })).toEqual([]);
});

it("differ by name in what decides what is in the image, and in nothing else", async () => {
  const before = await inputs({ args: { A: "1", B: "2" }, target: "runtime" });
  const now: Partial<BuildSettings> = { args: { A: "1", B: "3", C: "" }, testTarget: "test", sbom: true };
  expect(await changed(before, now)).toEqual(["args.B", "args.C", "sbom", "target", "test-target"]);
  const quiet = { cacheFrom: ["type=gha"], labels: { a: "b" }, annotations: { a: "b" }, noCache: true, pull: true };
  expect(
    await changed(before, { args: { B: "2", A: "1" }, target: "runtime", platforms: ["linux/arm64"], ...quiet }),
  ).toEqual([]);
  const other = join(repository.folder, "shops/Dockerfile");
  expect(await changed(await inputs(), { dockerfile: other })).toEqual(["dockerfile"]);
  expect(await changed(await inputs(), { dockerfile: join(repository.folder, "shops/web/Dockerfile") })).toEqual([]);
  expect(await changed(await inputs(), { context: repository.folder })).toEqual(["context", "dockerfile"]);
});

it("of an image that somebody else built are its name in the engine, or what is in its archive", async () => {
  const save = async (name: string, text: string) => {
    const config = { name: "config.json", content: JSON.stringify({ text }) };
    const saved = { name: "manifest.json", content: JSON.stringify([{ Config: "config.json", Layers: [] }]) };
    const archive = join(repository.folder, name);
    await writeFile(archive, tarOf([config, saved]));
    return { archive };
  };
  const before = await inputs(await save("one.tar", "first"));
  expect(before).toEqual({ archive: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(await changed(before, await save("two.tar", "first"))).toEqual([]);
  expect(await changed(before, await save("two.tar", "second"))).toEqual(["archive"]);
  expect(await changed(before, { archive: join(repository.folder, "none.tar") })).toEqual(["archive"]);
  expect(await changed(before, { from: "web:ci", args: { A: "1" } })).toEqual(["archive", "from"]);
  const named = await inputs({ from: "web:ci" });
  expect(Object.keys(named)).toEqual(["from"]);
  expect(await changed(named, { from: "web:ci", args: { A: "1" } })).toEqual([]);
  expect(await changed(named, { from: "web:other" })).toEqual(["from"]);
  expect(await changed(await inputs(), { from: "web:ci" })).toEqual(["context", "dockerfile", "from"]);
});

it("hold nothing of a secret but that it is there", async () => {
  const redactor = new Redactor();
  redactor.add("hunter2-one");
  redactor.add("hunter2-two");
  const of = (value: string) => inputs({ args: { NPM_TOKEN: value, URL: `https://x:${value}@host` } }, redactor);
  expect(await of("hunter2-one")).toEqual(await of("hunter2-two"));
  expect(await inputs({ args: { NPM_TOKEN: "unknown" } })).toEqual(await inputs({ args: { NPM_TOKEN: "another" } }));
  expect(await inputs({ args: { NPM_TOKEN: "unknown" } })).not.toEqual(await inputs());
});

it("are the same whatever else a run knows of the build's secrets, of which none has to be there", async () => {
  const file = join(repository.folder, "key");
  await writeFile(file, "secret-of-the-build\n");
  const build = { args: { URL: "https://x:secret-of-the-build@host" }, secrets: { key: { file } } };
  const knows = new Redactor();
  knows.add("secret-of-the-build");
  const before = await inputs(build, knows);
  const learns = new Redactor();
  expect(await inputs(build, learns)).toEqual(before);
  expect(learns.redact("secret-of-the-build")).toBe("***");
  const missing = { none: { file: join(repository.folder, "none") }, unset: { env: "BELAY_TEST_UNSET" } };
  expect(await inputs({ ...build, secrets: { ...missing, ...build.secrets } })).toMatchObject(before);
});

it("are told in digests that no table helps with: the same value has another by another name and in another commit", async () => {
  const one = await inputs({ args: { A: "beta", B: "beta" } });
  expect(one["args.A"]).not.toBe(one["args.B"]);
  const other = await inputs({ args: { A: "beta", B: "beta" } }, new Redactor(), "f".repeat(40));
  for (const [name, value] of Object.entries(one)) expect(other[name]).not.toBe(value);
});

it.each([
  [{}],
  [{ build: {} }],
  [{ build: { inputs: { web: "none" } } }],
  [{ build: "none" }],
  [{ build: { inputs: null } }],
])("are not missed in a release that does not tell them: %j", async (evidence) => {
  expect(changedInputs(releaseOf(evidence as never), { web: await inputs({ target: "runtime" }) })).toEqual({});
});

it("are told with the image that is taken, and what to do", () => {
  const log = createTestLog();
  warnOfChangedInputs(log, releaseOf({}), { web: ["args.B", "target"] });
  expect(log.text()).toBe(
    "warn: web: ghcr.io/acme/web:sha-0123456789ab is taken as it was built and pushed before, from other inputs than now (args.B, target): the tag of commit 0123456789ab is never moved. To have it built anew make a new commit (`git commit --allow-empty` will do), or give this variant a repository of its own (`image`).",
  );
});
