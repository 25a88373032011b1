import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TRIVY_ACTION_RULES } from "@belay/scan";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runBundle } from "./run-bundle.ts";

const ACTIONS = ["belay", "build", "scan", "push", "sign", "deploy", "report"] as const;
const HOSTILE = [
  "$(touch hostile)",
  "`touch hostile`",
  "x\n::set-output name=outcome::succeeded",
  "--help",
  "a\u202eb",
  "'; touch hostile; '",
];

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

  it.each(ACTIONS.flatMap((action) => HOSTILE.map((text) => [action, text] as const)))(
    "%s takes %j as data",
    async (action, text) => {
      const inputs = {
        strategy: text,
        environment: text,
        config: text,
        release: text,
        "max-parallel": text,
        "allow-dirty": text,
        scan: text,
        scanner: text,
        report: text,
        "scan-fail-on": text,
        "scan-server": text,
        "scan-formats": text,
        "scan-db-repository": text,
        "scan-cache-dir": text,
      };
      const result = await runBundle(`${action}/index`, { inputs, cwd: folder });
      expect(result.exitCode).toBe(1);
      expect(result.outputs.outcome).toBe("invalid_input");
      const commands = result.stdout.split("\n").filter((line) => line.startsWith("::"));
      expect(commands.every((line) => line.startsWith("::error::"))).toBe(true);
    },
  );

  it.each(HOSTILE)("trivy/check takes %j as data in every input", async (text) => {
    const names = [...Object.keys(TRIVY_ACTION_RULES), "platforms", "checksum", "mirror"];
    for (const inputs of [Object.fromEntries(names.map((name) => [name, text])), { "image-ref": text }]) {
      const result = await runBundle("trivy/check", { env: { BELAY_INPUTS: JSON.stringify(inputs) }, cwd: folder });
      expect(result.exitCode).toBe(1);
      expect(result.outputs).toEqual({ outcome: "invalid_input", "exit-code": "2" });
      const commands = result.stdout.split("\n").filter((line) => line.startsWith("::"));
      expect(commands.every((line) => line.startsWith("::error::"))).toBe(true);
    }
    expect(existsSync(join(folder, "hostile"))).toBe(false);
  });

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
