import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type Digest, sha256, systemClock } from "@belay/core";
import type { ImageChoice } from "@belay/registry";
import { type GitHubRig, startGitHub } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PipelineContext } from "../run/context.ts";
import { createContext } from "../testing/create-context.ts";
import { deleteAtGitHub, gitHubPackage } from "./delete-at-github.ts";
import type { LookAgain } from "./fresh-choices.ts";

const digest = (name: string): Digest => sha256(Buffer.from(name));

let folder: string;
let github: GitHubRig;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-delete-"));
  github = await startGitHub({ tokens: [{ token: "ghs_test", permissions: { packages: "write" } }] });
});
afterEach(async () => {
  expect(github.violations).toEqual([]);
  await github.close();
  await rm(folder, { recursive: true });
});

/** An image and its parts, by names, each a version of the package; `keep` when it stays. */
function image(name: string, parts: readonly string[], keep = false, popular = false): ImageChoice {
  const known = new Set(github.packageVersions().map((version) => version.digest));
  const add = (one: string, tags: string[]): void => {
    if (!known.has(digest(one)))
      github.addPackageVersion({ package: "shop/web", digest: digest(one), tags, popular: popular && one === name });
  };
  add(name, [`sha-${name}`]);
  for (const part of parts) add(part, []);
  const manifests = new Map([name, ...parts].map((one) => [digest(one), 1] as const));
  const nothing = new Map<Digest, number>();
  const stored = { digest: digest(name), tags: [`sha-${name}`], manifests, attached: nothing, blobs: nothing };
  return { image: stored, keep, why: keep ? "it runs" : "nothing needs it" };
}

/** Lengths of the pauses between deletions, which pass at once. */
let pauses: number[];
beforeEach(() => {
  pauses = [];
});
const clock: Clock = {
  ...systemClock,
  sleep: async (milliseconds, signal) => {
    // Whatever is longer bounds a call.
    if (milliseconds > 1_000) return systemClock.sleep(milliseconds, signal);
    signal?.throwIfAborted();
    pauses.push(milliseconds);
  },
};

const nothingNew: LookAgain = async (choices) => choices;
const remove = (choices: readonly ImageChoice[], more: Partial<PipelineContext> = {}, look = nothingNew) =>
  deleteAtGitHub(
    { ...createContext(folder, {}), clock, ...more },
    "ghs_test",
    { owner: "acme", name: "shop/web", apiUrl: github.apiUrl },
    choices,
    look,
  );

const expectLeft = (...names: string[]): void =>
  expect(
    github
      .packageVersions()
      .map((one) => one.digest)
      .sort(),
  ).toEqual(names.map(digest).sort());

describe("images at GitHub", () => {
  it("go with their platforms, but for those that an image that stays has", async () => {
    const done = await remove([image("kept", ["amd", "arm"], true), image("old", ["amd", "own"])]);
    expect(done.deleted).toBe(2);
    expectLeft("kept", "amd", "arm");
  });

  it("that GitHub keeps stay whole, with the platforms that they share with images that go", async () => {
    const done = await remove([
      image("kept", [], true),
      image("gone", ["shared", "own"]),
      image("popular", ["shared", "other", "third"], false, true),
    ]);
    expect(done.choices.map(({ keep }) => keep)).toEqual([true, false, true]);
    expect(done.choices[2]?.why).toContain("more than 5000 downloads");
    expectLeft("kept", "popular", "shared", "other", "third");
  });

  it("that are a platform of one that GitHub keeps stay, too", async () => {
    const popular = image("popular", ["part"], false, true);
    const part = { ...image("part", []), keep: false };
    const done = await remove([part, popular, image("kept", [], true)]);
    expect(done.choices.map(({ why }) => why)).toEqual([
      "it is a part of an image that is kept",
      expect.stringContaining("5000"),
      "it runs",
    ]);
    expectLeft("popular", "part", "kept");
  });

  it("that GitHub does not list are not taken for gone, and stay whole", async () => {
    const old = image("old", ["part", "signature"]);
    const unlisted = { ...old.image, digest: digest("unlisted") };
    const manifests = new Map([digest("unlisted"), digest("part")].map((one) => [one, 1] as const));
    const attached = new Map([[digest("signature"), 1] as const]);
    const done = await remove([
      { ...old, image: { ...unlisted, manifests, attached } },
      { ...image("part", []), keep: false },
      { ...image("signature", []), keep: false },
      image("kept", [], true),
    ]);
    expect(done.choices.map(({ why }) => why)).toEqual([
      "GitHub does not list it",
      "it is a part of an image that is kept",
      "it is a part of an image that is kept",
      "it runs",
    ]);
    expect(done.deleted).toBe(0);
    expectLeft("old", "part", "signature", "kept");
  });

  it("share a platform with another that goes: it goes with the last of them", async () => {
    await remove([image("kept", [], true), image("one", ["both"]), image("two", ["both"])]);
    expectLeft("kept");
  });

  it("that GitHub hides from who may not delete them are not taken for gone", async () => {
    github.setPackageAdmin(false);
    const asked = remove([image("kept", [], true), image("old", ["part"])]);
    await expect(asked).rejects.toMatchObject({
      code: "GITHUB_ERROR",
      got: expect.stringContaining("404"),
      next: expect.stringContaining("role Admin"),
    });
    expectLeft("kept", "old", "part");
  });

  it("are looked at again before the first goes, and later when the last look is too old", async () => {
    let time = 0;
    // Deleting takes 20 s.
    const slow: Clock = {
      ...clock,
      now: () => time,
      sleep: (milliseconds, signal) => {
        if (milliseconds === 1_000) time += 20_000;
        return clock.sleep(milliseconds, signal);
      },
    };
    const looks: number[] = [];
    const choices = [
      image("kept", [], true),
      ...["one", "two", "three", "five", "six", "four"].map((name) => image(name, [])),
    ];
    // One is needed by the first look, four only by the second.
    const look: LookAgain = async (now) => {
      looks.push(github.packageVersions().length);
      const needed = [digest("one"), ...(looks.length > 1 ? [digest("four")] : [])];
      return now.map((choice) =>
        needed.includes(choice.image.digest) ? { ...choice, keep: true, why: "it runs by now" } : choice,
      );
    };
    const done = await remove(choices, { clock: slow }, look);
    expect(looks[0]).toBe(7);
    expect(looks).toHaveLength(2);
    expect(done.choices.find((choice) => choice.image.digest === digest("one"))).toMatchObject({
      why: "it runs by now",
    });
    expectLeft("kept", "one", "four");
  });

  it("go one a second", async () => {
    await remove([image("kept", [], true), image("one", ["part"]), image("two", [])]);
    expectLeft("kept");
    expect(pauses).toEqual([1_000, 1_000]);
  });

  it("go no further when the run is cancelled in a pause", async () => {
    const run = new AbortController();
    const cancelling: Clock = {
      ...clock,
      sleep: (milliseconds, signal) => {
        if (milliseconds === 1_000) run.abort(new Error("cancelled"));
        return clock.sleep(milliseconds, signal);
      },
    };
    const choices = [image("kept", [], true), image("one", ["part"]), image("two", [])];
    await expect(remove(choices, { clock: cancelling, signal: run.signal })).rejects.toThrow("cancelled");
    expectLeft("kept", "part", "two");
  });

  it("that all stay are not asked for; of a package that is not there GitHub's words say so", async () => {
    expect(await remove([image("kept", ["part"], true)])).toMatchObject({ deleted: 0 });
    expect(github.requests).toEqual([]);
    const nowhere = { owner: "acme", name: "none", apiUrl: github.apiUrl };
    const asked = deleteAtGitHub(createContext(folder, {}), "ghs_test", nowhere, [image("old", [])], nothingNew);
    await expect(asked).rejects.toMatchObject({ code: "GITHUB_ERROR", got: expect.stringContaining("404") });
  });
});

describe("a package of GitHub's", () => {
  const GHES = { GITHUB_API_URL: "https://git.example/api/v3", GITHUB_SERVER_URL: "https://git.example" };
  const api = "https://api.github.com";

  it.each([
    ["ghcr.io/acme/shop/web", {}, { owner: "acme", name: "shop/web", apiUrl: api }],
    ["ghcr.io/acme/shop", GHES, { owner: "acme", name: "shop", apiUrl: api }],
    ["containers.git.example/acme/shop", GHES, { owner: "acme", name: "shop", apiUrl: GHES.GITHUB_API_URL }],
    ["127.0.0.1:5000/acme/shop", {}, undefined],
    ["ghcr.io/acme", {}, undefined],
  ])("is %s, by that of the run", (repository, env, expected) => {
    expect(gitHubPackage(repository, "containers.git.example", env)).toEqual(expected);
  });
});
