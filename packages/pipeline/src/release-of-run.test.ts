import { createRelease } from "@belay/core";
import { type GitHubRig, startGitHub } from "@belay/testkit";
import { strToU8, zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { releaseOfRun } from "./release-of-run.ts";
import { createContext } from "./testing/create-context.ts";

const TOKEN = "ghs_test";
const RELEASE = createRelease({
  stage: "push",
  application: "shop",
  source: { repository: "https://github.com/acme/shop", revision: "c".repeat(40) },
  services: {},
  evidence: {},
  createdAt: "2026-01-01T00:00:00Z",
});

let github: GitHubRig;
beforeEach(async () => {
  github = await startGitHub({ tokens: [{ token: TOKEN, permissions: { actions: "read" } }] });
  github.addRun({ id: 77, headSha: "c".repeat(40) });
});
afterEach(() => github.close());

function fetchRelease(run: string, more: Record<string, string> = {}) {
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: github.repository,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_SHA: "c".repeat(40),
    GITHUB_RUN_ID: "78",
    ...more,
  };
  return releaseOfRun(createContext("/", env), TOKEN, run);
}

const keep = (files: Record<string, string>, more = {}): void => {
  const entries = Object.entries(files).map(([name, text]) => [name, strToU8(text)]);
  github.addArtifact({ run: 77, name: "belay-release", archive: zipSync(Object.fromEntries(entries)), ...more });
};

describe("the release of another run", () => {
  it("comes from its artifact, the newest of that name", async () => {
    keep({ "release.json": "{}" });
    keep({ "release.json": JSON.stringify(RELEASE) });
    expect(await fetchRelease("77")).toEqual(RELEASE);
    expect(github.violations).toEqual([]);
  });

  it.each([
    [
      "has no such artifact",
      () => github.addArtifact({ run: 77, name: "other", archive: new Uint8Array() }),
      "has no artifact `belay-release`",
    ],
    [
      "has only an expired one",
      () => keep({ "release.json": JSON.stringify(RELEASE) }, { expired: true }),
      "has no artifact",
    ],
    ["kept something else", () => keep({ "notes.txt": "hello" }), "holds 0 JSON files"],
    ["kept several", () => keep({ "a.json": "{}", "b.json": "{}" }), "holds 2 JSON files"],
    ["kept no release", () => keep({ "release.json": "[]" }), "it is no JSON object"],
    [
      "kept no archive",
      () => github.addArtifact({ run: 77, name: "belay-release", archive: Buffer.from("no zip") }),
      "is no archive",
    ],
  ])("is refused when the run %s", async (_case, prepare, message) => {
    prepare();
    await expect(fetchRelease("77")).rejects.toThrow(message);
  });

  it("is refused when GitHub says another commit, or a fork", async () => {
    keep({ "release.json": JSON.stringify(RELEASE) });
    github.addRun({ id: 77, headSha: "d".repeat(40) });
    await expect(fetchRelease("77")).rejects.toThrow("GitHub says that the run was for dddddddddddd");
    github.addRun({ id: 77, headSha: "c".repeat(40), headRepository: "mallory/shop" });
    await expect(fetchRelease("77")).rejects.toThrow("the run is for a commit of mallory/shop");
  });

  it("is refused for what is no run, and outside of GitHub Actions", async () => {
    await expect(fetchRelease("77; rm -rf /")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(fetchRelease("79")).rejects.toMatchObject({ code: "GITHUB_ERROR" });
    await expect(fetchRelease("77", { GITHUB_ACTIONS: "" })).rejects.toThrow("this is no run of GitHub Actions");
  });
});
