import { expect, it } from "vitest";
import { missingFiles } from "./missing-files.ts";
import type { PlanContents, PlannedService } from "./plan-detail.ts";

function plan(action: PlannedService["action"] = "update"): PlanContents {
  const project = {
    name: "shop",
    services: { web: { configs: [{ source: "conf" }], secrets: [{ source: "key" }, { source: "inline" }] } },
    configs: { conf: { file: import.meta.filename } },
    secrets: { key: { file: "/nowhere/key" }, inline: { environment: "KEY" } },
  };
  const service = { service: "shop-web", name: "web", action } as PlannedService;
  return { project, services: [service], missingDependencies: [], companions: [], labelledDeployment: 0 };
}

it("names the file that is not there, and its service", async () => {
  expect(await missingFiles(plan(), true)).toEqual([
    expect.objectContaining({
      ...{ level: "refuse", check: "secret_missing", service: "shop-web" },
      message: "the secret key reads the file /nowhere/key, which is not there",
    }),
  ]);
});

it("can't tell of another machine's files, and does not ask for what is not started", async () => {
  expect(await missingFiles(plan(), false)).toMatchObject([{ level: "cannot tell" }]);
  expect(await missingFiles(plan("unchanged"), true)).toEqual([]);
});
