import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eagerFiles } from "../../bench/sizes.ts";
import { ROOT } from "../structure/source-files.ts";
import { runBundle } from "./run-bundle.ts";

const ACTIONS = ["belay", "build", "scan", "push", "sign", "deploy", "report"] as const;

/** Words that only undici, the reader of YAML, and the schemas have. */
const HEAVY = ["undici", "yaml.alias", "ZodError"];

/** Files with such words that are loaded before the entry does anything. */
async function heavyFilesOf(entry: string): Promise<string[]> {
  const heavy: string[] = [];
  for (const file of await eagerFiles(join(ROOT, "dist", `${entry}.js`))) {
    const text = await readFile(file, "utf8");
    if (HEAVY.some((word) => text.includes(word))) heavy.push(file);
  }
  return heavy;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-bundles-"));
  await writeFile(join(folder, "belay.yaml"), "version: 1\napplication: shop\nservces: {}\n");
});
afterAll(() => rm(folder, { recursive: true }));

describe("the bundles of the actions", () => {
  it.each(ACTIONS)("%s refuses a wrong input with its name and the legal values, outputs first", async (action) => {
    const result = await runBundle(`${action}/index`, { inputs: { "fail-on": "sometimes" } });
    expect(result.exitCode).toBe(1);
    expect(result.outputs).toMatchObject({ outcome: "invalid_input", "exit-code": "2" });
    expect(result.stdout).toContain(
      '::error::reading input `fail-on`: it names "sometimes". Legal values: never, succeeded',
    );
  });

  it.each(ACTIONS)("%s leaves the step green when told to, with the same outputs", async (action) => {
    const inputs = {
      "fail-on": "never",
      config: "no-such-file.yaml",
      environment: "staging",
      release: "no-such-release.json",
    };
    const result = await runBundle(`${action}/index`, { inputs });
    expect(result.exitCode).toBe(0);
    expect(result.outputs).toMatchObject({ "exit-code": "2" });
    expect(result.stdout).toContain("::warning::");
  });

  it.each([...ACTIONS.map((action) => `${action}/index`), "deploy/post"])(
    "%s reads its inputs before it loads what takes long to load",
    async (entry) => {
      expect(await heavyFilesOf(entry)).toEqual([]);
    },
  );

  it("deploy tells what is wrong in belay.yaml, with its place and the nearest right key", async () => {
    const result = await runBundle("deploy/index", { cwd: folder, inputs: { environment: "staging" } });
    expect(result.outputs.outcome).toBe("invalid_input");
    expect(result.stdout).toMatch(/belay\.yaml.*3.*servces.*services/s);
  });

  it("deploy/post, which the root action shares, does nothing when the main step left nothing", async () => {
    const result = await runBundle("deploy/post", { env: { STATE_run: "4242.job.x", STATE_done: "true" } });
    expect(result).toMatchObject({ exitCode: 0, stdout: "" });
  });
});

describe("the bundle of the command line", () => {
  it("shows its help before it loads what takes long to load", async () => {
    expect(await heavyFilesOf("cli/index")).toEqual([]);
  });

  it("would find it (the rule itself works)", async () => {
    expect(await heavyFilesOf("trivy/check")).not.toEqual([]);
  });

  it("shows its commands, and the options of each", async () => {
    const general = await runBundle("cli/index", { args: ["--help"] });
    expect(general).toMatchObject({ exitCode: 0, stderr: "" });
    for (const command of ["build", "scan", "push", "deploy", "run", "plan", "status", "report", "reconcile"]) {
      expect(general.stdout).toMatch(new RegExp(`^  ${command} `, "m"));
      const own = await runBundle("cli/index", { args: [command, "--help"] });
      expect(own).toMatchObject({ exitCode: 0, stderr: "" });
      expect(own.stdout).toContain("--environment VALUE");
    }
  });

  it.each([
    [["deplyo"], 'belay: reading the command line: "deplyo" is no command. Did you mean `belay deploy`?'],
    [["deploy", "--stabel", "5s"], "there is no such option. Did you mean --stable?"],
    [["deploy", "--stable"], "its value is missing"],
    [["deploy", "staging"], '"staging" belongs to no option'],
    [["deploy", "--json=yes"], "it takes no value"],
  ])("refuses %j", async (args, message) => {
    const result = await runBundle("cli/index", { args });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(message);
    expect(result.stdout).toBe("");
  });

  it("prints one JSON object as the last line, also for an error", async () => {
    const result = await runBundle("cli/index", { args: ["plan", "--json", "--stable", "5"] });
    expect(result.exitCode).toBe(2);
    const lines = result.stdout.trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      outcome: "invalid_input",
      error: { code: "INVALID_INPUT" },
    });
    expect(result.stderr).toContain("reading the option --stable");
  });

  it("says which tool is missing where there is no docker", async () => {
    const args = [
      "status",
      "--application",
      "x",
      "--environment",
      "x",
      "--service",
      "web",
      "--image",
      "example.org/x",
      "--target",
      "compose",
    ];
    const result = await runBundle("cli/index", { args, env: { PATH: "/nowhere" } });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/docker/);
    expect(result.stderr).toContain("Install");
  });

  it("says that no engine answers, and where it looked", async () => {
    const args = [
      "status",
      "--application",
      "x",
      "--environment",
      "x",
      "--service",
      "web",
      "--image",
      "example.org/x",
      "--target",
      "compose",
    ];
    const result = await runBundle("cli/index", { args, env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("/nowhere/docker.sock");
  });
});
