import { type Observation, type Plan, type RunningService, sha256, type Wanted } from "@belay/core";
import { expect, it } from "vitest";
import type { RunsFacts } from "../ledger/records.ts";
import { service } from "../testing/observations.ts";
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

function back(wanted: readonly Wanted[], observation?: Observation) {
  return { wanted, observation };
}

it.each<[string, Partial<RunningService>]>([
  ["its image's digest", { digests: [sha256("other"), OLD] }],
  ["its image's reference", { image: `elsewhere/web@${OLD}` }],
  ["the deployment's label", { deployment: 4 }],
  ["the release's label", { release: RELEASE.digest }],
])("names the release by %s", (_, shown) => {
  expect(restoredRuns(BEFORE, back([WANTED]), [{ ...SHOWN, ...shown }])).toEqual(BEFORE);
});

it.each<[string, readonly Wanted[], readonly RunningService[]]>([
  ["nothing tells", [WANTED], [SHOWN]],
  ["another image runs", [WANTED], [{ ...SHOWN, digests: [sha256("other")] }]],
  ["one service is another", [WANTED, { ...WANTED, service: "api" }], [{ ...SHOWN, digests: [OLD] }]],
  ["nothing was wanted", [], [{ ...SHOWN, digests: [OLD] }]],
])("names none when %s", (_, wanted, running) => {
  expect(restoredRuns(BEFORE, back(wanted), running)).toEqual({ proven: true });
});

it("does not ask what only had to complete", () => {
  const job: Wanted = { ...WANTED, service: "migrate", goal: "complete" };
  expect(restoredRuns(BEFORE, back([WANTED, job]), [{ ...SHOWN, digests: [OLD] }])).toEqual(BEFORE);
});

const UNPROVEN: RunsFacts = { ...BEFORE, proven: false };
const JOB: Wanted = { ...WANTED, service: "migrate", goal: "complete" };
const API: Wanted = { ...WANTED, service: "api" };
const [SHOWN_WEB, SHOWN_API] = [
  { ...SHOWN, deployment: 4 },
  { ...SHOWN, service: "api", deployment: 4 },
];

it.each<[string, RunsFacts, readonly Wanted[], readonly RunningService[], RunsFacts]>([
  ["is proven when it has become right", UNPROVEN, [WANTED], [SHOWN_WEB], BEFORE],
  [
    "is what was proven once",
    BEFORE,
    [WANTED, { ...API, desired: 0 }],
    [SHOWN_WEB, { ...SHOWN_API, ready: 0 }],
    BEFORE,
  ],
  [
    "is not proven where nothing was expected",
    UNPROVEN,
    [WANTED, { ...API, desired: 0 }],
    [SHOWN_WEB, SHOWN_API],
    UNPROVEN,
  ],
  ["is not proven where nothing at all was", UNPROVEN, [{ ...WANTED, desired: 0 }], [SHOWN_WEB], { proven: false }],
  [
    "is not proven beside what was not touched and is bad",
    UNPROVEN,
    [WANTED],
    [SHOWN_WEB, { ...SHOWN_API, ready: 0 }],
    UNPROVEN,
  ],
  [
    "is proven beside what runs once",
    UNPROVEN,
    [WANTED, JOB],
    [SHOWN_WEB, { ...SHOWN, service: "migrate", ready: 0 }],
    BEFORE,
  ],
  [
    "is proven beside what should not run",
    UNPROVEN,
    [WANTED],
    [SHOWN_WEB, { ...SHOWN_API, ready: 0, desired: 0 }],
    BEFORE,
  ],
])("what is gone back to %s", (_, before, wanted, running, runs) => {
  expect(restoredRuns(before, back(wanted), running)).toEqual(runs);
});

it("is not proven where the judge was shown that none is wanted of what was bad", () => {
  const services = [service([], { name: "api", desired: 0 })];
  const judged = back([WANTED, API], { at: 0, services, probes: [] });
  expect(restoredRuns(UNPROVEN, judged, [SHOWN_WEB, SHOWN_API])).toEqual(UNPROVEN);
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
