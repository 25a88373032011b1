/** `actions/trivy` looks, `actions/scan` decides: the two in one workflow, on the image that was built just before. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeRun, stepOf, type TemporaryFolder, temporaryFolder, type WorkflowRun } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repositoriesOf, STAND_IN, TRIVY_ACTIONS } from "./trivy-action.ts";
import { STAGE_MS, WorkflowStage } from "./workflow-stage.ts";

const WORKFLOW = ".github/workflows/trivy.yml";
const PIN = "1".repeat(40);

let stage: WorkflowStage;
/** For what the stand-in of trivy-action writes down. */
let folder: TemporaryFolder;

function workflow(scanners: string): string {
  return `
name: Build and scan
on: push
permissions: {}
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@${PIN}
        with: { persist-credentials: false, fetch-depth: 100 }
      - id: build
        uses: belay-deploy/belay/actions/build@${PIN}
        with: { environment: staging, variables: "\${{ vars.BELAY_VARIABLES }}" }
      - id: trivy
        uses: belay-deploy/belay/actions/trivy@${PIN}
        with:
          image-ref: "\${{ fromJSON(steps.build.outputs.images).web }}"
          scanners: ${scanners}
          cache-dir: ${stage.trivyCache}
          skip-setup-trivy: true
      - id: scan
        uses: belay-deploy/belay/actions/scan@${PIN}
        with: { environment: staging, variables: "\${{ vars.BELAY_VARIABLES }}", report: "\${{ steps.trivy.outputs.report }}" }
`;
}

beforeAll(async () => {
  stage = await WorkflowStage.open();
  folder = await temporaryFolder("belay-trivy-report");
}, STAGE_MS);
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await folder?.remove();
});

async function scan(scanners: string, action = STAND_IN): Promise<WorkflowRun> {
  const sha = await stage.commitFiles(1, `Look for ${scanners}`, { [WORKFLOW]: workflow(scanners) });
  await writeFile(join(folder.path, "calls.txt"), "");
  return stage.run({
    workflow: WORKFLOW,
    eventName: "push",
    event: { ref: "refs/heads/main", after: sha },
    actions: repositoriesOf(action),
    env: {
      // The wrapper takes its cache by an input.
      ...{ TRIVY_CACHE_DIR: "", TRIVY_SKIP_DB_UPDATE: "true", TRIVY_OFFLINE_SCAN: "true" },
      BELAY_RIG_RECORD: join(folder.path, "calls.txt"),
    },
  });
}

it.each(TRIVY_ACTIONS)(
  "takes the wrapper's report of the image that was built, and puts it into the release: $name",
  async (action) => {
    const run = await scan("vuln,secret", action);
    expect(run.conclusion, describeRun(run)).toBe("success");
    const { outputs } = stepOf(run, "image", "scan");
    expect(outputs).toMatchObject({ outcome: "succeeded", "scan-result": "passed" });
    const calls = await readFile(join(folder.path, "calls.txt"), "utf8");
    expect(calls.split("\n").filter((line) => line !== "")).toHaveLength(action.recordsPerCall);
  },
);

it("is no scan when the wrapper did not look for vulnerabilities", async () => {
  const run = await scan("secret");
  expect(run.conclusion, describeRun(run)).toBe("failure");
  expect(stepOf(run, "image", "trivy").outputs).toMatchObject({ outcome: "succeeded" });
  const { outputs, annotations } = stepOf(run, "image", "scan");
  expect(outputs).toMatchObject({ outcome: "scan_could_not_run", "exit-code": "11", "scan-result": "could_not_scan" });
  expect(annotations.map(({ message }) => message).join("\n")).toContain("nobody looked for vulnerabilities");
});
