import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildSettings } from "@belay/config";
import { createRunner, type Digest, type ImageIdentity, Redactor, systemClock } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { buildImages } from "@belay/images";
import {
  type BuildkitRig,
  type EngineRig,
  type RegistryRig,
  startBuildkit,
  startEngine,
  startRegistry,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPushStand, type PushStand, servedDigest } from "./push-stand.ts";

let engine: EngineRig;
let buildkit: BuildkitRig;
let registry: RegistryRig;
let docker: Docker;

beforeAll(async () => {
  engine = await startEngine({ buildx: true, edition: "debian" });
  buildkit = await startBuildkit();
  await buildkit.addTo(engine.env, "own", { use: true });
  registry = await startRegistry();
  docker = await connectDocker({ env: engine.env });
}, 2_400_000);
afterAll(async () => {
  await docker?.close();
  await registry?.stop();
  await buildkit?.stop();
  await engine?.stop();
});

/** Builds a service from this Dockerfile, and pushes it with the stand's client. */
async function buildAndPush(
  stand: PushStand,
  image: string,
  { dockerfile = "FROM scratch\nCOPY app.txt /app.txt\n", ...more }: Partial<BuildSettings> & { dockerfile?: string },
): Promise<{ readonly built: ImageIdentity; readonly pushed: ImageIdentity }> {
  const context = join(stand.folder, "src");
  await mkdir(context, { recursive: true });
  await writeFile(join(context, "Dockerfile"), dockerfile);
  await writeFile(join(context, "app.txt"), "good");
  const build = { context, args: {}, platforms: [], ...more };
  const release = await buildImages({
    application: {
      application: "shop",
      services: { web: { image, names: {}, build } },
      directory: stand.folder,
    },
    source: { repository: "", revision: "0123456789ab".padEnd(40, "0"), ref: "refs/heads/main" },
    runner: createRunner(new Redactor()),
    docker,
    env: engine.env,
    log: stand.log,
    clock: systemClock,
    layoutOf: (service) => join(stand.folder, "images", service),
  });
  const { services } = await stand.push(release, stand.client());
  const [built, pushed] = [release.services.web, services.web];
  if (built === undefined || pushed === undefined) throw new Error("there is no service web");
  return { built, pushed };
}

interface Served {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly config: Part;
  readonly layers: readonly Part[];
  readonly manifests: readonly Part[];
}

interface Part {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** A manifest or an index that the registry serves. */
async function served(stand: PushStand, image: string, reference: string): Promise<Served> {
  const found = await stand.client().manifest(image, reference);
  return JSON.parse(found?.bytes.toString() ?? "{}");
}

const isAttestation = ({ platform }: Part): boolean => platform?.os === "unknown";

it("what BuildKit has built for two platforms, with its provenance, is what the registry serves and an engine pulls", async () => {
  await using stand = await openPushStand();
  const image = `${registry.address}/acme/web`;
  const both = ["linux/amd64", "linux/arm64"];
  const { built, pushed } = await buildAndPush(stand, image, { platforms: both, provenance: "max" });
  const { index, platforms } = built;
  expect(Object.keys(platforms).sort()).toEqual(both);
  expect(pushed).toMatchObject({ index, digest: index, platforms });
  expect(await servedDigest(`${registry.url}/v2/acme/web/manifests/main`)).toBe(index);
  // Its attestations are at the registry too, each with what it says.
  const attestations = (await served(stand, image, "main")).manifests.filter(isAttestation);
  expect(attestations).toHaveLength(2);
  for (const { digest } of attestations) {
    const attestation = await served(stand, image, digest);
    for (const { digest: blob } of [attestation.config, ...attestation.layers]) {
      expect(await servedDigest(`${registry.url}/v2/acme/web/blobs/${blob}`)).toBe(blob);
    }
  }
  await engine.docker(["pull", "--quiet", `${image}@${index}`]);
  const { stdout } = await engine.docker(["image", "inspect", "--format={{.Id}}", `${image}@${index}`]);
  expect(stdout.trim()).toBe(platforms["linux/amd64"]?.config);
});

it.each([
  { mode: "min", told: false },
  { mode: "max", told: true },
] as const)("provenance of mode $mode tells the build arguments and the Dockerfile: $told", async ({ mode, told }) => {
  await using stand = await openPushStand();
  const image = `${registry.address}/${mode}/web`;
  const dockerfile = "FROM scratch\nARG WHERE\nCOPY app.txt /app.txt\n";
  const { built, pushed } = await buildAndPush(stand, image, {
    ...{ dockerfile, provenance: mode, args: { WHERE: "told-by-an-argument" }, labels: { note: "told-by-a-label" } },
  });
  expect(pushed.digest).toBe(built.index);
  const [attestation, ...others] = (await served(stand, image, "main")).manifests.filter(isAttestation);
  expect(others).toEqual([]);
  expect(attestation?.annotations?.["vnd.docker.reference.digest"]).toBe(built.platforms["linux/amd64"]?.manifest);
  const { layers } = await served(stand, image, attestation?.digest ?? "");
  expect(layers.map(({ annotations }) => annotations?.["in-toto.io/predicate-type"])).toEqual([
    expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//),
  ]);
  const text = String(await stand.client().blob(image, layers[0]?.digest as Digest));
  const { predicate } = JSON.parse(text);
  expect(predicate.buildType).toBe("https://mobyproject.org/buildkit@v1");
  expect(predicate.metadata.completeness.parameters).toBe(told);
  for (const word of ["told-by-an-argument", "told-by-a-label"]) expect(text.includes(word), word).toBe(told);
  expect(text.includes(Buffer.from(dockerfile).toString("base64")), "the Dockerfile").toBe(told);
});

it("what annotates the index, one platform and all of them is read back where the registry serves it", async () => {
  await using stand = await openPushStand();
  const image = `${registry.address}/annotated/web`;
  const hostile = '--push "$(id)" `id`, ::set-output name=a::b ü';
  const { built, pushed } = await buildAndPush(stand, image, {
    platforms: ["linux/amd64", "linux/arm64"],
    annotations: {
      "index:com.example.shop": hostile,
      "manifest[linux/arm64]:com.example.board": "rack 7",
      "index,manifest:com.example.team": "till",
    },
  });
  expect(pushed.digest).toBe(built.index);
  const index = await served(stand, image, "main");
  expect(index.annotations).toEqual({ "com.example.shop": hostile, "com.example.team": "till" });
  const annotationsOf = async (platform: string) =>
    (await served(stand, image, built.platforms[platform]?.manifest ?? "")).annotations;
  expect(await annotationsOf("linux/amd64")).toEqual({ "com.example.team": "till" });
  expect(await annotationsOf("linux/arm64")).toEqual({ "com.example.board": "rack 7", "com.example.team": "till" });
});
