/**
 * The example's workflow on an engine with containerd's image store: what was built to disk is what was scanned, what the
 * registry serves, and what runs, by one digest.
 */
import { describeRun, stepOf } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { STAGE_MS, TOKEN, WorkflowStage } from "./workflow-stage.ts";

let stage: WorkflowStage;

beforeAll(async () => {
  stage = await WorkflowStage.open({ edition: "current" });
}, STAGE_MS);
afterAll(() => stage?.[Symbol.asyncDispose]());

it("one digest goes from the build to the containers", { timeout: 600_000 }, async () => {
  const sha = await stage.commit(7, "Open the shop", "web/shop.mjs", (text) => text);
  const event = { ref: "refs/heads/main", after: sha };
  const run = await stage.run({ workflow: ".github/workflows/deploy.yml", eventName: "push", event });
  expect(run.conclusion, describeRun(run)).toBe("success");
  const built = stepOf(run, "staging", "build").log;
  expect(built).toContain("Images are built into OCI layouts, with every platform");
  const [, digest = ""] = /shop-web:sha-[0-9a-f]{12} is (sha256:[0-9a-f]{64}) \(linux\/amd64\)/.exec(built) ?? [];
  expect(digest).not.toBe("");
  expect(stepOf(run, "staging", "scan").outputs).toMatchObject({ "scan-result": "passed" });
  expect(stepOf(run, "staging", "push").outputs.image).toContain(`@${digest}`);
  const authorization = `Basic ${Buffer.from(`ada:${TOKEN}`).toString("base64")}`;
  const served = await fetch(`${stage.registry.url}/v2/acme/shop-web/manifests/sha-${sha.slice(0, 12)}`, {
    headers: { authorization, accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  expect(served.headers.get("docker-content-digest")).toBe(digest);
  const seen = await stage.lookFromOutside();
  expect(seen.ids).toHaveLength(3);
  expect(seen.images).toEqual([`${stage.registry.address}/acme/shop-web@${digest}`]);
  expect(stage.github.comments(7)[0]?.body).toContain(digest.slice("sha256:".length, 19));
});
