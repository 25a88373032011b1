import { type Plan, type RunningService, sha256, type Wanted } from "@belay/core";
import { expect, it } from "vitest";
import type { RunsFacts } from "./records.ts";
import { lostServices, restoredRuns } from "./same-release.ts";

const OLD = sha256("old");
const WANTED: Wanted = { service: "web", goal: "run", desired: 1, revision: "r", digests: [] };
const SHOWN: RunningService = {
  service: "web",
  name: "web",
  revision: "r",
  image: "web",
  digests: [],
  ready: 1,
  desired: 1,
};
const RELEASE = {
  digest: sha256("release"),
  source: { repository: "https://example.test/shop", revision: "v1" },
  images: { web: `registry/web@${OLD}` },
};
const BEFORE: RunsFacts = { deployment: 4, release: RELEASE, proven: true };

it.each<[string, Partial<RunningService>]>([
  ["its image's digest", { digests: [sha256("other"), OLD] }],
  ["its image's reference", { image: `elsewhere/web@${OLD}` }],
  ["the deployment's label", { deployment: 4 }],
  ["the release's label", { release: RELEASE.digest }],
])("names the release by %s", (_, shown) => {
  expect(restoredRuns(BEFORE, [WANTED], [{ ...SHOWN, ...shown }])).toEqual(BEFORE);
});

it.each<[string, readonly Wanted[], readonly RunningService[]]>([
  ["nothing tells", [WANTED], [SHOWN]],
  ["another image runs", [WANTED], [{ ...SHOWN, digests: [sha256("other")] }]],
  ["one service is another", [WANTED, { ...WANTED, service: "api" }], [{ ...SHOWN, digests: [OLD] }]],
  ["nothing was wanted", [], [{ ...SHOWN, digests: [OLD] }]],
])("names none when %s", (_, wanted, running) => {
  expect(restoredRuns(BEFORE, wanted, running)).toEqual({ proven: true });
});

it("does not ask what only had to complete", () => {
  const job: Wanted = { ...WANTED, service: "migrate", goal: "complete" };
  expect(restoredRuns(BEFORE, [WANTED, job], [{ ...SHOWN, digests: [OLD] }])).toEqual(BEFORE);
});

it.each<[string, string, readonly string[]]>([
  ["its digest", `elsewhere/web@${OLD}`, []],
  ["another digest", `registry/web@${sha256("other")}`, ["web"]],
  ["a tag, as somebody sets it by hand", "registry/web:latest", ["web"]],
])("brings a release back where the snapshot shows %s", (_, image, lost) => {
  const change = { service: "web", name: "web", action: "update", goal: "run", desired: 1 } as const;
  const to = { revision: "r", image, digests: [], instances: 1 };
  const plan: Plan = {
    scope: { target: "compose", project: "shop", application: "shop", environment: "production" },
    services: [{ ...change, dependsOn: [], differences: [], to }],
    findings: [],
    notCovered: [],
    labelledDeployment: 0,
    detail: undefined,
  };
  expect(lostServices(RELEASE, plan)).toEqual(lost);
});
