import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, Inputs, readRelease, sha256, writeRelease } from "@belay/core";
import { loadPushInputs, push } from "@belay/pipeline";
import { findArtifacts, findRelease, readArtifact } from "@belay/registry";
import { type RegistryRig, startRegistry } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createContext } from "../../packages/pipeline/src/testing/create-context.ts";
import { openPushStand, type PushStand } from "./push-stand.ts";

let stand: PushStand;
let rig: RegistryRig;

beforeEach(async () => {
  stand = await openPushStand();
  rig = await startRegistry();
  // No engine to be found.
  vi.stubEnv("DOCKER_HOST", `unix://${stand.folder}/nowhere.sock`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rig?.stop();
  await stand?.[Symbol.asyncDispose]();
});

/** A job whose build step left this release. */
function job(more: Readonly<Record<string, string>> = {}) {
  const given: Readonly<Record<string, string>> = { release: "release.json", scan: "off", ...more };
  const context = createContext(stand.folder, { RUNNER_TEMP: stand.folder, DOCKER_CONFIG: stand.folder });
  const inputs = loadPushInputs(new Inputs((name) => given[name]));
  return { context, run: () => push(context, inputs) };
}

describe("the stage push on a runner without an engine", () => {
  it("pushes what the build left on disk, and writes the release that the registry proves", async () => {
    const layouts = { web: await stand.layout("web"), api: await stand.layout("api") };
    const built = stand.release(rig.address, layouts);
    await writeRelease(join(stand.folder, "release.json"), built);
    const { context, run } = job();
    const { release, releasePath } = await run();
    expect(await readRelease(releasePath)).toEqual(release);
    expect(release).toMatchObject({ stage: "push", source: built.source, evidence: { scan: { result: "off" } } });
    expect(release.services.web).toMatchObject({ digest: layouts.web.digest, platforms: layouts.web.platforms });
    const found = await findRelease(stand.client(), `${rig.address}/acme/api:main`, stand.log);
    expect(found?.release).toEqual(release);
    const stages = JSON.parse(await readFile(join(stand.folder, "belay", "stages.json"), "utf8"));
    expect(stages).toMatchObject([{ name: "scan" }, { name: "push", state: "passed" }]);
    expect(context.log.text()).toContain("as built");
  });

  it("says that the engine is missing when an image is not on disk", async () => {
    const layouts = { web: await stand.layout("web") };
    const built = stand.release(rig.address, layouts);
    const { web } = built.services;
    await writeRelease(join(stand.folder, "release.json"), {
      ...built,
      services: { web: web as never, api: web as never },
    });
    await expect(job().run()).rejects.toMatchObject({
      code: expect.stringMatching(/^(TOOL_MISSING|ENGINE_UNREACHABLE)$/),
    });
  });

  it("refuses a layout of another build, and reports it", async () => {
    const built = stand.release(rig.address, { web: await stand.layout("web") });
    await writeRelease(join(stand.folder, "release.json"), built);
    await stand.layout("web", 1_000);
    const { run } = job();
    await expect(run()).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
    const report = JSON.parse(await readFile(join(stand.folder, "belay", "report.json"), "utf8"));
    expect(JSON.stringify(report)).toContain("build again");
    expect(await readRelease(join(stand.folder, "release.json"))).toEqual(built);
  });

  it("puts the bills of materials and reports of the very scan beside the images, and no others", async () => {
    const web = await stand.layout("web");
    const built = stand.release(rig.address, { web });
    const report = '{"SchemaVersion":2}';
    const scanned = (text: string) => ({
      ...built,
      evidence: {
        scan: {
          result: "passed" as const,
          scannedAt: "2026-01-01T00:00:00Z",
          services: {
            web: {
              result: "passed" as const,
              counts: { fails: 0, known: 0, reported: 0, ignored: 0 },
              platforms: Object.fromEntries(
                Object.entries(built.services.web?.platforms ?? {}).map(([platform, identity]) => [
                  platform,
                  { ...identity, report: sha256(`${text} of ${platform}`) },
                ]),
              ),
            },
          },
        },
      },
    });
    const write = async (format: string, name: string, text: string): Promise<void> => {
      await mkdir(join(stand.folder, "belay", "scan", format), { recursive: true });
      await writeFile(join(stand.folder, "belay", "scan", format, name), text);
    };
    for (const platform of ["linux/amd64", "linux/arm64"]) {
      const name = `web-${platform.replace("/", "-")}`;
      await write("json", `${name}.json`, `${report} of ${platform}`);
      await write("cyclonedx", `${name}.cdx.json`, `the bill of ${platform}`);
    }
    const found = async (type: string) => {
      const client = stand.client();
      const repository = `${rig.address}/acme/web`;
      const listed = await findArtifacts(client, repository, web.digest as Digest, type);
      const texts = await Promise.all(listed.map(({ digest }) => readArtifact(client, repository, digest)));
      return texts.map(String).sort();
    };
    const release = join(stand.folder, "release.json");
    const SBOM = "application/vnd.cyclonedx+json";
    await writeRelease(release, scanned("another report"));
    await job({ scan: "" }).run();
    expect(await found(SBOM)).toEqual([]);
    await writeRelease(release, scanned(report));
    await job({ scan: "", attach: "sbom, scan" }).run();
    expect(await found(SBOM)).toEqual(["the bill of linux/amd64", "the bill of linux/arm64"]);
    const SCAN = "application/vnd.belay.scan.trivy.v1+json";
    expect(await found(SCAN)).toEqual([`${report} of linux/amd64`, `${report} of linux/arm64`]);
    expect(() => job({ attach: "everything" })).toThrow("Legal values: sbom, scan, both, or none.");
    expect(() => job({ attach: "none sbom" })).toThrow("none beside others");
  });

  it("gives up at its deadline, and says what may be left and that it can be run again", async () => {
    const built = stand.release(rig.address, { web: await stand.layout("web") });
    await writeRelease(join(stand.folder, "release.json"), built);
    await rig.pause();
    // The registry is down, and would be asked again for seconds.
    await expect(job({ "push-timeout": "200ms" }).run()).rejects.toMatchObject({
      code: "PUSH_FAILED",
      exitCode: 16,
      message: expect.stringContaining("it was not done after 200 ms"),
    });
    expect(() => job({ "push-timeout": "0" })).toThrow("push-timeout");
    expect(() => job({ "push-timeout": "5" })).toThrow("a number with a unit");
  });
});
