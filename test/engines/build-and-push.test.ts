import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, Redactor, systemClock } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { buildImages } from "@belay/images";
import { type BuildkitRig, type EngineRig, startBuildkit, startEngine, startRegistry } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPushStand, servedDigest } from "./push-stand.ts";

let engine: EngineRig;
let buildkit: BuildkitRig;
let docker: Docker;

beforeAll(async () => {
  engine = await startEngine({ buildx: true, edition: "debian" });
  buildkit = await startBuildkit();
  await buildkit.addTo(engine.env, "own", { use: true });
  docker = await connectDocker({ env: engine.env });
}, 2_400_000);
afterAll(async () => {
  await docker?.close();
  await buildkit?.stop();
  await engine?.stop();
});

it("what BuildKit has built for two platforms, with its provenance, is what the registry serves and an engine pulls", async () => {
  await using stand = await openPushStand();
  await using registry = await startRegistry();
  const context = join(stand.folder, "src");
  await mkdir(context);
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY app.txt /app.txt\n");
  await writeFile(join(context, "app.txt"), "good");
  const build = { context, args: {}, platforms: ["linux/amd64", "linux/arm64"], provenance: "max" as const };
  const image = `${registry.address}/acme/web`;
  const built = await buildImages({
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
  const { index, platforms } = built.services.web ?? {};
  expect(Object.keys(platforms ?? {}).sort()).toEqual(build.platforms);
  const client = stand.client();
  const pushed = await stand.push(built, client);
  expect(pushed.services.web).toMatchObject({ index, digest: index, platforms });
  expect(await servedDigest(`${registry.url}/v2/acme/web/manifests/main`)).toBe(index);
  // Its attestations are at the registry too, each with what it says.
  const stored = await client.manifest(image, "main");
  const { manifests } = JSON.parse(stored?.bytes.toString() ?? "{}");
  const attestations = manifests.filter((one: { platform?: { os: string } }) => one.platform?.os === "unknown");
  expect(attestations).toHaveLength(2);
  for (const { digest } of attestations) {
    const attestation = JSON.parse((await client.manifest(image, digest))?.bytes.toString() ?? "{}");
    for (const { digest: blob } of [attestation.config, ...attestation.layers]) {
      expect(await servedDigest(`${registry.url}/v2/acme/web/blobs/${blob}`)).toBe(blob);
    }
  }
  await engine.docker(["pull", "--quiet", `${image}@${index}`]);
  const { stdout } = await engine.docker(["image", "inspect", "--format={{.Id}}", `${image}@${index}`]);
  expect(stdout.trim()).toBe(platforms?.["linux/amd64"]?.config);
});
