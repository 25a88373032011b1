import { SAMPLE_COMMIT, SAMPLE_REPORTS } from "@belay/testkit";
import { expect, it } from "vitest";
import type { GitHub } from "./github.ts";
import { startOf, startTestRig } from "./testing/test-rig.ts";

const READ = "Not read from GitHub";
const REPORTED = "Not reported to GitHub";
const IMAGE = { owner: "acme", name: "web", ownedBy: "organization" } as const;
const PLACE = { commit: SAMPLE_COMMIT, ref: "refs/heads/main", category: "belay/shop/web" };
const SNAPSHOT = { ...PLACE, snapshot: "{}", run: { id: "1", url: "https://ci.example/1" } };

/** Every call that there is, and what the warning says when it can't be made. */
const CALLS: { readonly [Name in keyof GitHub]: readonly [string, (github: GitHub) => ReturnType<GitHub[Name]>] } = {
  findPullRequest: [READ, (github) => github.findPullRequest(SAMPLE_COMMIT)],
  upsertComment: [REPORTED, (github) => github.upsertComment({ pullRequest: 7, application: "shop", body: "x" })],
  beginDeployment: [REPORTED, (github) => github.beginDeployment(startOf("staging", "100"))],
  endDeployment: [
    REPORTED,
    (github) => github.endDeployment(startOf("staging", "100"), SAMPLE_REPORTS.succeeded, undefined),
  ],
  environments: [READ, (github) => github.environments("shop")],
  isRunOver: [READ, (github) => github.isRunOver(1)],
  isOnDefaultBranch: [READ, (github) => github.isOnDefaultBranch(SAMPLE_COMMIT)],
  runArtifact: [READ, (github) => github.runArtifact(1, "release", 1_000)],
  attestations: ["Attestations not read", (github) => github.attestations(`sha256:${"0".repeat(64)}`)],
  ownedBy: [READ, (github) => github.ownedBy("acme")],
  packageVersions: [READ, (github) => github.packageVersions(IMAGE)],
  deletePackageVersion: [
    "Not deleted at GitHub",
    (github) => github.deletePackageVersion(IMAGE, { id: 1, digest: "sha256:0" }),
  ],
  uploadSarif: [REPORTED, (github) => github.uploadSarif({ ...PLACE, sarif: "{}" })],
  uploadSnapshot: [REPORTED, (github) => github.uploadSnapshot(SNAPSHOT)],
};

it.each(Object.entries(CALLS))(
  "a call of %s that fails is titled by what was not done",
  async (_name, [title, call]) => {
    const test = await startTestRig();
    try {
      const titles: unknown[] = [];
      const log = { ...test.log, warn: (_message: string, at?: { title?: string }) => void titles.push(at?.title) };
      expect(await call(test.github({ token: "", log }))).toMatchObject({ deferred: { reason: "no_token" } });
      expect([...new Set(titles)]).toEqual([title]);
    } finally {
      await test.rig.close();
    }
  },
);
