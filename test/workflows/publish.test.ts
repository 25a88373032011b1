/** The example that publishes an image for two platforms, with buildx's driver docker-container and a cache of type=gha. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  BASE_IMAGES,
  BUILDKIT_IMAGE,
  buildkitImageArchive,
  describeRun,
  stepOf,
  type TemporaryFolder,
  temporaryFolder,
  type WorkflowRun,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { STAGE_MS, TOKEN, WorkflowStage } from "./workflow-stage.ts";

const BOTH = ["linux/amd64", "linux/arm64"];
/** A base image for two processors. What is in it is for this one. */
const BASE = `FROM --platform=$BUILDPLATFORM ${BASE_IMAGES.node} AS base
FROM scratch
COPY --from=base / /
ENV PATH=/usr/local/bin:/usr/bin:/bin
`;

let stage: WorkflowStage;
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder("belay-publish");
  // A privileged container wants more of Debian's engine than every machine allows it.
  stage = await WorkflowStage.open({ edition: "current" });
  await stage.engine.docker(["load", "--quiet", "--input", await buildkitImageArchive()]);
  await pushBase();
}, STAGE_MS);
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await folder?.remove();
});

/** A step whose result was there already. */
const COPY_CACHED = /\[linux\/arm64 runtime 3\/3\] COPY .*\n#\d+ CACHED/;

const baseAt = (): string => `${stage.registry.address}/base/node:24`;

async function pushBase(): Promise<void> {
  const context = join(folder.path, "base");
  await mkdir(context);
  await writeFile(join(context, "Dockerfile"), BASE);
  const login = ["login", "--username=ada", "--password-stdin", stage.registry.address];
  await stage.engine.docker(login, { input: TOKEN });
  const words = ["--push", "--provenance=false", `--platform=${BOTH}`, `--tag=${baseAt()}`, context];
  await stage.engine.docker(["buildx", "build", ...words]);
  await stage.engine.docker(["logout", stage.registry.address]);
}

const publish = (): Promise<WorkflowRun> =>
  stage.run({
    workflow: ".github/workflows/publish.yml",
    eventName: "workflow_dispatch",
    event: { ref: "refs/heads/main" },
    cache: join(folder.path, "cache"),
    env: { BELAY_RIG_BUILDKIT_IMAGE: BUILDKIT_IMAGE },
    base: baseAt(),
  });

interface Index {
  readonly manifests: readonly { readonly platform: { readonly os: string; readonly architecture: string } }[];
}

/** The platforms that the registry serves under a tag of the published image. */
async function platformsOf(tag: string): Promise<string[]> {
  const authorization = `Basic ${Buffer.from(`ada:${TOKEN}`).toString("base64")}`;
  const headers = { authorization, accept: "application/vnd.oci.image.index.v1+json" };
  const answer = await fetch(`${stage.registry.url}/v2/acme/shop/manifests/${tag}`, { headers });
  expect(answer.status).toBe(200);
  const { manifests } = (await answer.json()) as Index;
  return manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`).sort();
}

it("publishes both platforms, scanned, and its next run takes what it can from the cache at GitHub", {
  timeout: 900_000,
}, async () => {
  const first = await stage.commit(9, "Open", "web/shop.mjs", (text) => text);
  const opened = await publish();
  expect(opened.conclusion, describeRun(opened)).toBe("success");
  const built = stepOf(opened, "image", "build");
  expect(built.log).toMatch(/OCI layouts, .* has the driver docker-container/);
  expect(built.log).toContain("exporting to GitHub Actions Cache");
  expect(built.log).not.toMatch(COPY_CACHED);
  // The cache's token is a JWT.
  expect(describeRun(opened)).not.toMatch(/\beyJ[\w-]+\.[\w-]+/);
  expect(await platformsOf(`sha-${first.slice(0, 12)}`)).toEqual(BOTH);
  const { outputs } = stepOf(opened, "image", "push");
  expect(outputs.image).toMatch(new RegExp(`^${stage.registry.address}/acme/shop@sha256:[0-9a-f]{64}$`));

  // Another commit and another builder, with nothing in it. What is copied stayed the same.
  const second = await stage.commit(9, "Say what it is", "README.md", (text) => `${text}\nIt is a shop.\n`);
  const again = await publish();
  expect(again.conclusion, describeRun(again)).toBe("success");
  const { log } = stepOf(again, "image", "build");
  expect(log).toContain("importing cache manifest from gha");
  expect(log).toMatch(COPY_CACHED);
  expect(await platformsOf(`sha-${second.slice(0, 12)}`)).toEqual(BOTH);
});
