import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "@belay/config";
import { createRelease, type Digest, parseReference, writeRelease } from "@belay/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { PipelineContext } from "../run/context.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-release-"));
  const services = {
    api: { repository: "ghcr.io/acme/api", platforms: {}, digest: digest("a"), tags: ["2"] },
    web: { repository: "ghcr.io/acme/web", platforms: {}, digest: digest("b"), tags: [] },
  };
  const source = { repository: "", revision: "0".repeat(40) };
  await writeRelease(
    join(folder, "release.json"),
    createRelease({ stage: "push", application: "shop", source, services, evidence: {}, createdAt: "" }),
  );
});
afterEach(() => rm(folder, { recursive: true }));

async function deployed(api: string, web: object = { build: {} }): Promise<unknown> {
  const services = {
    api: { image: api, reference: parseReference(api) },
    web: { image: "ghcr.io/acme/web", reference: parseReference("ghcr.io/acme/web"), ...web },
  };
  const settings = { application: "shop", services } as unknown as Settings;
  const context = { workingDirectory: folder, env: {} } as unknown as PipelineContext;
  const inputs = { githubToken: "", overrides: {}, release: join(folder, "release.json") };
  return (await releaseToDeploy(context, inputs, settings)).services.api?.digest;
}

it("is refused when the settings pin another image of somebody else's than the release has", async () => {
  expect(await deployed("ghcr.io/acme/api:2")).toBe(digest("a"));
  expect(await deployed("ghcr.io/acme/api:3")).toBe(digest("a"));
  expect(await deployed(`ghcr.io/acme/api@${digest("a")}`)).toBe(digest("a"));
  await expect(deployed(`ghcr.io/acme/api@${digest("f")}`)).rejects.toMatchObject({
    code: "RELEASE_INVALID",
    got: `its image of api is ${digest("a")}, and the configuration pins ${digest("f")}`,
  });
});

it("is refused when it is of something else than the settings", async () => {
  await expect(deployed("ghcr.io/other/api:2")).rejects.toMatchObject({
    got: "its image of api is ghcr.io/acme/api, and the configuration says ghcr.io/other/api",
  });
});
