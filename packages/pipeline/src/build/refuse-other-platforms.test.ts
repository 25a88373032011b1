import type { ApplicationSettings } from "@belay/config";
import { createRelease } from "@belay/core";
import { expect, it } from "vitest";
import { refuseOtherPlatforms } from "./refuse-other-platforms.ts";

const repository = "ghcr.io/acme/web";

function refuse(there: readonly string[], asked: readonly string[]): void {
  const platforms = Object.fromEntries(there.map((platform) => [platform, {}]));
  const earlier = createRelease({
    stage: "push",
    application: "shop",
    source: { repository: "", revision: "0123456789abcdef".padEnd(40, "0") },
    services: { web: { repository, platforms, tags: ["sha-0123456789ab"] } },
    evidence: {},
    createdAt: "2026-01-01T00:00:00Z",
  });
  const build = { context: ".", args: {}, platforms: asked };
  const web = { image: repository, names: {}, build };
  const cache = { image: "redis", names: {} };
  const application: ApplicationSettings = { application: "shop", services: { web, cache }, directory: "." };
  refuseOtherPlatforms(earlier, application);
}

it("takes an earlier release that has every platform asked for", () => {
  refuse(["linux/amd64"], []);
  refuse(["linux/amd64", "linux/arm64"], []);
  refuse(["linux/amd64", "linux/arm64"], ["linux/arm64/v8", "linux/amd64"]);
  refuse(["linux/amd64", "linux/arm64"], ["linux/amd64"]);
  refuse(["linux/arm/v7"], ["linux/arm"]);
});

it("refuses one that lacks a platform, with what to do", () => {
  expect(() => refuse(["linux/amd64"], ["linux/amd64", "linux/arm64"])).toThrow(
    expect.objectContaining({
      code: "TAG_TAKEN",
      doing: "building web for linux/amd64, linux/arm64",
      got: expect.stringMatching(
        /^commit 0123456789ab was .* without linux\/arm64: ghcr\.io\/acme\/web:sha-0123456789ab is for linux\/amd64,/,
      ),
      next: expect.stringMatching(/new commit .* repository of its own/),
    }),
  );
  expect(() => refuse(["linux/arm64"], ["linux/amd64"])).toThrow("without linux/amd64");
});
