import { createRelease } from "@belay/core";
import { type GitHubRig, startGitHub, type TestLog } from "@belay/testkit";
import { strToU8, zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { releaseOfRun } from "./release-of-run.ts";

const TOKEN = "ghs_test";
const LESSER_TOKEN = "ghs_lesser";
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
  const permissions = { actions: "read" } as const;
  github = await startGitHub({
    tokens: [
      { token: TOKEN, permissions: { ...permissions, "pull-requests": "read" } },
      { token: LESSER_TOKEN, permissions },
    ],
  });
  github.addRun({ id: 77, headSha: "c".repeat(40) });
});
afterEach(() => github.close());

let log: TestLog;

function fetchRelease(run: string, more: Record<string, string> = {}, token = TOKEN) {
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: github.repository,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_SHA: "c".repeat(40),
    GITHUB_RUN_ID: "78",
    ...more,
  };
  const context = createContext("/", env);
  log = context.log;
  return releaseOfRun(context, token, run);
}

const keep = (files: Record<string, string>, more = {}): void => {
  const entries = Object.entries(files).map(([name, text]) => [name, strToU8(text)]);
  github.addArtifact({ run: 77, name: "belay-release", archive: zipSync(Object.fromEntries(entries)), ...more });
};

const keepOne = (name: string, text: string, more: object): void => {
  const archive = zipSync({ [name]: [strToU8(text), more] });
  github.addArtifact({ run: 77, name: "belay-release", archive });
};

/** A zip whose headers say that the file unpacks to one byte. */
function keepLying(text: string): void {
  const archive = Buffer.from(zipSync({ "release.json": strToU8(text) }));
  const central = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  archive.writeUInt32LE(1, 22);
  archive.writeUInt32LE(1, central + 24);
  github.addArtifact({ run: 77, name: "belay-release", archive });
}

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

  it("is not downloaded when it is larger than a release can be", async () => {
    const bytes = 4 * 1024 * 1024 + 1;
    github.addArtifact({ run: 77, name: "belay-release", archive: new Uint8Array(bytes) });
    await expect(fetchRelease("77")).rejects.toThrow(`the artifact has ${bytes} bytes`);
    expect(github.requests.filter(({ path }) => path.endsWith("/zip"))).toEqual([]);
  });

  const TEXT = JSON.stringify(RELEASE);
  it.each([
    ["leads out of its folder", () => keep({ "../../release.json": TEXT }), "holds 0 JSON files"],
    ["is absolute", () => keep({ "/etc/release.json": TEXT }), "holds 0 JSON files"],
    ["leads elsewhere on Windows", () => keep({ "..\\release.json": TEXT }), "holds 0 JSON files"],
    // As a link is stored: its target is the content.
    ["is a link", () => keepOne("release.json", "/etc/passwd", { os: 3, attrs: 0o120777 << 16 }), "is no JSON"],
    ["unpacks to more than a release", () => keep({ "release.json": " ".repeat(5 << 20) }), "holds 0 JSON files"],
    ["says that it is smaller than it is", () => keepLying(" ".repeat(64 << 20)), /is no (?:archive|JSON)/],
  ])("is refused when its file %s", async (_case, prepare, message) => {
    prepare();
    await expect(fetchRelease("77")).rejects.toThrow(message);
  });

  it("says nothing of a pull request that GitHub does not say of its commit", async () => {
    const of = (pullRequest: number) => ({ ...RELEASE, source: { ...RELEASE.source, pullRequest } });
    const seen = async () => (await fetchRelease("77")).source.pullRequest;
    keep({ "release.json": JSON.stringify(of(7)) });
    // It does not know the commit.
    expect(await seen()).toBeUndefined();
    expect(log.text()).toContain("of pull request 7, and GitHub did not tell: that is left out");
    github.addCommit({ sha: "c".repeat(40) });
    expect(await seen()).toBeUndefined();
    expect(log.text()).toContain("of pull request 7, and GitHub tells of none: that is left out");
    github.addPull({ number: 7, headSha: "c".repeat(40) });
    expect(await seen()).toBe(7);
    keep({ "release.json": JSON.stringify(of(1)) });
    expect(await seen()).toBeUndefined();
    expect(await fetchRelease("77")).toEqual(RELEASE);
    expect(log.text()).toContain("of pull request 1, and GitHub says 7: that is left out");
    // Without the permission GitHub says nothing.
    expect(await fetchRelease("77", {}, LESSER_TOKEN)).toEqual(RELEASE);
    expect(log.text()).toContain("of pull request 1, and GitHub did not tell: that is left out");
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
