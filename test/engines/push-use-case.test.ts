import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Inputs, readRelease, releaseDigest, writeRelease } from "@belay/core";
import { loadPushInputs, push } from "@belay/pipeline";
import { findRelease } from "@belay/registry";
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
  const given: Readonly<Record<string, string>> = { release: "release.json", ...more };
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
    expect(release).toMatchObject({ stage: "push", parent: releaseDigest(built) });
    expect(release.services.web).toMatchObject({ digest: layouts.web.digest, platforms: layouts.web.platforms });
    const found = await findRelease(stand.client(), `${rig.address}/acme/api:main`, stand.log);
    expect(found?.release).toEqual(release);
    const stages = JSON.parse(await readFile(join(stand.folder, "belay", "stages.json"), "utf8"));
    expect(stages).toMatchObject([{ name: "push", state: "passed" }]);
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
