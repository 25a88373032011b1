import { Redactor } from "@belay/core";
import { SAMPLE_COMMIT, SAMPLE_REPORTS } from "@belay/testkit";
import { expect, it } from "vitest";
import { renderComment } from "./render/render-comment.ts";
import { startOf, startTestRig } from "./testing/test-rig.ts";

it("two environments' runs share one comment, each row from what GitHub deployments tell", async () => {
  const test = await startTestRig();
  // Somebody who may comment tries to put words into the table: nothing of a comment's text is ever read.
  test.rig.addComment(7, "mallory", "| `production` | hacked |");
  for (const [environment, run, report] of [
    ["production", "100", { ...SAMPLE_REPORTS.succeeded, environment: "production", deployment: 31 }],
    ["staging", "101", SAMPLE_REPORTS.rolled_back],
  ] as const) {
    const github = test.github();
    const start = startOf(environment, run, { deployment: report.deployment ?? 0 });
    await github.beginDeployment(start);
    await github.endDeployment(start, report);
    const pull = await github.findPullRequest(SAMPLE_COMMIT);
    const rows = await github.environments("shop");
    if (!pull.done || pull.value === undefined || !rows.done) throw new Error("GitHub did not answer");
    const body = renderComment(report, {
      redactor: new Redactor(),
      environments: rows.value,
      runUrl: start.run.url,
      pullRequest: pull.value,
    });
    await github.upsertComment({ pullRequest: pull.value.number, application: "shop", body });
  }
  const [, ours, ...more] = test.rig.comments(7);
  expect(more).toEqual([]);
  const table = ours?.body.split("\n").filter((line) => line.startsWith("| ") && line.includes("[run]"));
  expect(table).toEqual([
    expect.stringMatching(/`production`.*🟢 Deployed and healthy.*\| 31 \|.*runs\/100/),
    expect.stringMatching(/`staging`.*🟠 Rolled back.*\| 12 \|.*runs\/101/),
  ]);
  expect(ours?.body).not.toContain("hacked");
  expect(test.rig.violations).toEqual([]);
  await test.rig.close();
});
