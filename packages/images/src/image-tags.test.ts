import type { Source } from "@belay/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imageLabels } from "./image-labels.ts";
import { imageTags } from "./image-tags.ts";

const REVISION = "0123456789abcdef0123456789abcdef01234567";
const sourceOf = (more: Partial<Source> = {}): Source => ({
  repository: "https://github.com/acme/shop",
  revision: REVISION,
  ...more,
});
const tagsOf = (ref: string): string[] => imageTags(sourceOf({ ref })).slice(1);

describe("image tags", () => {
  it("begin with the commit's tag, and tell apart what is not exactly this commit", () => {
    expect(imageTags(sourceOf())).toEqual(["sha-0123456789ab"]);
    expect(imageTags(sourceOf({ mergedOnto: "f".repeat(40) }))).toEqual(["sha-0123456789ab-onto-ffffffffffff"]);
    const content = `sha256:${"e".repeat(64)}` as const;
    expect(imageTags(sourceOf({ dirty: true }), { content })).toEqual(["sha-0123456789ab-dirty-eeeeeeeeeeee"]);
    expect(imageTags(sourceOf(), { content })).toEqual(["sha-0123456789ab"]);
  });

  it.each([
    ["refs/heads/main", ["main"]],
    ["refs/heads/feature/new shop", ["feature-new-shop"]],
    ["refs/heads/--load", ["load"]],
    ["refs/heads/$(id)`x`;", ["id-x"]],
    ["refs/heads/größe", ["gr-e"]],
    ["refs/heads/…", ["ref-b4935894"]],
    ["refs/heads/latest", ["branch-latest"]],
    ["refs/heads/1.2.3", ["branch-1.2.3"]],
    ["refs/heads/v2", ["branch-v2"]],
    ["refs/heads/sha-0123456789ab", ["branch-sha-0123456789ab"]],
    ["refs/heads/pr-7", ["branch-pr-7"]],
    ["refs/heads/2fa", ["2fa"]],
    ["refs/tags/v1.2.3", ["1.2.3", "1.2", "1", "latest"]],
    ["refs/tags/1.2.3", ["1.2.3", "1.2", "1", "latest"]],
    ["refs/tags/v0.4.1", ["0.4.1", "0.4", "latest"]],
    ["refs/tags/v1.2.3-rc.1", ["1.2.3-rc.1"]],
    ["refs/tags/v1.2.3+build.5", ["1.2.3-build.5", "1.2", "1", "latest"]],
    ["refs/tags/v1.2", ["tag-v1.2"]],
    ["refs/tags/v01.2.3", ["tag-v01.2.3"]],
    ["refs/tags/release/5", ["release-5"]],
    ["refs/tags/latest", ["tag-latest"]],
    ["refs/pull/7/merge", []],
  ])("of %s are %j", (ref, tags) => {
    expect(tagsOf(ref)).toEqual(tags);
  });

  it("name the pull request", () => {
    expect(imageTags(sourceOf({ ref: "refs/pull/7/merge", pullRequest: 7 }))).toEqual(["sha-0123456789ab", "pr-7"]);
  });

  it("keep two long branch names apart", () => {
    const long = `refs/heads/${"x".repeat(200)}`;
    const [[one], [two]] = [tagsOf(`${long}1`), tagsOf(`${long}2`)];
    expect(one).toHaveLength(128);
    expect(one).not.toBe(two);
  });

  it("are legal and never take a tag of another kind, whatever a branch is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 300 }), (name) => {
        for (const tag of tagsOf(`refs/heads/${name}`)) {
          expect(tag).toMatch(/^\w[\w.-]{0,127}$/);
          expect(tag).not.toMatch(/^(sha-|pr-|latest$|v?\d+(\.\d+)*$)/);
        }
      }),
    );
  });
});

describe("image labels", () => {
  it("tell the commit, its author and its date, and nothing of the moment of the build", () => {
    const source = sourceOf({
      ref: "refs/tags/v1.2.3",
      author: "Ada Lovelace <ada@example.org>",
      committedAt: "2026-01-02T03:04:05+00:00",
    });
    expect(imageLabels(source, { application: "shop", service: "web" })).toEqual({
      "org.opencontainers.image.revision": REVISION,
      "org.opencontainers.image.source": "https://github.com/acme/shop",
      "org.opencontainers.image.url": "https://github.com/acme/shop",
      "org.opencontainers.image.created": "2026-01-02T03:04:05+00:00",
      "org.opencontainers.image.version": "1.2.3",
      "org.opencontainers.image.authors": "Ada Lovelace <ada@example.org>",
      "org.opencontainers.image.title": "shop-web",
    });
  });

  it("say that a tree was dirty or merged, leave out what is unknown, and stay on one line", () => {
    const source = sourceOf({ repository: "", dirty: true, mergedOnto: "f".repeat(40), author: "a\n::set-output" });
    expect(imageLabels(source, { application: "shop", service: "shop" })).toEqual({
      "org.opencontainers.image.revision": REVISION,
      "org.opencontainers.image.version": "sha-0123456789ab-onto-ffffffffffff-dirty",
      "org.opencontainers.image.authors": "a ::set-output",
      "org.opencontainers.image.title": "shop",
      "dev.belay.dirty": "true",
      "dev.belay.merged-onto": "f".repeat(40),
    });
  });
});
