import { Redactor, systemClock } from "@belay/core";
import { createGitHub } from "@belay/github";
import { convertReport } from "@belay/scan";
import { createTestLog, type GitHubRig, SCAN_FILES, startGitHub } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LODASH, type ScanStand, STAND_MS, startScanStand } from "./scan-stand.ts";

const TOKEN = "ghs_scan000000000000000000000000000000000";
const ABOUT = {
  commit: "9f3c2ab41d5e6f708192a3b4c5d6e7f8091a2b3c",
  ref: "refs/heads/main",
  category: "belay/shop/web",
};

let stand: ScanStand;
let rig: GitHubRig;
let json: string;

beforeAll(async () => {
  stand = await startScanStand();
  const permissions = { "security-events": "write", contents: "write" } as const;
  rig = await startGitHub({
    tokens: [
      { token: TOKEN, permissions },
      { token: "ghs_reader", permissions: {} },
    ],
  });
  json = (await stand.scanFiles(SCAN_FILES.debian, SCAN_FILES.oldLodash)).scans[0]?.json ?? "";
}, STAND_MS);
afterAll(async () => {
  await rig?.close();
  await stand?.[Symbol.asyncDispose]();
});

function github(token = TOKEN) {
  const common = { apiUrl: rig.apiUrl, repository: rig.repository, clock: systemClock };
  return createGitHub({ token, ...common, log: createTestLog(), redactor: new Redactor() });
}

it("what Trivy writes is what code scanning and the dependency graph take", async () => {
  const sarif = await convertReport(stand.trivy, json, "sarif");
  expect(await github().uploadSarif({ ...ABOUT, sarif })).toMatchObject({ done: true });
  const [analysis] = rig.analyses();
  expect(analysis).toMatchObject({ commit: ABOUT.commit, ref: ABOUT.ref });
  const [run] = (analysis?.sarif.runs ?? []) as { automationDetails: object; results: { ruleId: string }[] }[];
  expect(run?.automationDetails).toEqual({ id: "belay/shop/web/" });
  expect(run?.results.map((one) => one.ruleId).sort()).toEqual([...LODASH]);

  const snapshot = await convertReport(stand.trivy, json, "github");
  const of = { id: "4242", url: "https://github.com/acme/shop/actions/runs/4242" };
  expect(await github().uploadSnapshot({ ...ABOUT, snapshot, run: of })).toMatchObject({ done: true });
  expect(rig.snapshots()).toMatchObject([{ sha: ABOUT.commit, job: { id: "4242", correlator: ABOUT.category } }]);
  expect(JSON.stringify(rig.snapshots()[0]?.manifests)).toContain("pkg:npm/lodash@4.17.11");
  expect(rig.violations).toEqual([]);
});

it("a repository without code scanning, and a token that may not, are told and throw nothing", async () => {
  const sarif = await convertReport(stand.trivy, json, "sarif");
  rig.setCodeScanning(false);
  expect(await github().uploadSarif({ ...ABOUT, sarif })).toMatchObject({
    done: false,
    deferred: { reason: "rejected", message: expect.stringContaining("Advanced Security must be enabled") },
  });
  rig.setCodeScanning(true);
  expect(await github("ghs_reader").uploadSarif({ ...ABOUT, sarif })).toMatchObject({
    done: false,
    deferred: { reason: "forbidden", message: expect.stringContaining("security-events: write") },
  });
  expect(await github().uploadSarif({ ...ABOUT, sarif: "[]" })).toMatchObject({ deferred: { reason: "rejected" } });
});
