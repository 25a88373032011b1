/** Workflows and actions, the examples' too, as the linters of the field see them. */
import { createRunner, Redactor } from "@belay/core";
import { installActionlint, installCheckJsonschema, installZizmor } from "@belay/testkit";
import { expect, it } from "vitest";
import { projectFiles, ROOT } from "./source-files.ts";

const run = createRunner(new Redactor());
const workflows = projectFiles("*.yml", "*.yaml").filter((path) => path.includes(".github/workflows/"));
const actions = projectFiles("action.yml", "**/action.yml");

/** What the tool said, or nothing when it found nothing wrong. */
async function findings(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout, stderr } = await run(command, args, {
    cwd: ROOT,
    env,
    allowedExitCodes: [...Array(20).keys()],
    deadlineMs: 120_000,
  });
  return exitCode === 0 ? "" : `exit code ${exitCode}\n${stdout}${stderr}`;
}

it("satisfies actionlint", async () => {
  expect(workflows.length).toBeGreaterThan(0);
  expect(await findings(await installActionlint(), ["-no-color", ...workflows])).toBe("");
});

it("satisfies zizmor, each accepted finding has its reason in .github/zizmor.yml", async () => {
  const args = ["--offline", "--no-progress", "--color", "never", "--config", ".github/zizmor.yml"];
  expect(await findings(await installZizmor(), [...args, ".github", ...workflows, ...actions])).toBe("");
});

it("has action.yml files of the right form", async () => {
  expect(actions.length).toBeGreaterThan(0);
  const { command, args, env } = await installCheckJsonschema();
  const schema = ["--builtin-schema", "vendor.github-actions"];
  expect(await findings(command, [...args, ...schema, ...actions], env)).toBe("");
});

it("has workflows of the right form", async () => {
  const { command, args, env } = await installCheckJsonschema();
  const schema = ["--builtin-schema", "vendor.github-workflows"];
  expect(await findings(command, [...args, ...schema, ...workflows], env)).toBe("");
});
