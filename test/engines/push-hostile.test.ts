import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createRelease, type Release } from "@belay/core";
import { parseCommandFile, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = resolve(import.meta.dirname, "../../actions/push/src/main.ts");
/** Everything at once that a shell, a runner, a terminal or a program's option parser might obey. */
const NASTY =
  "--flag=$(touch hostile)`touch hostile`;touch hostile\n::set-output name=outcome::succeeded\n##[error]x\u202e\u001b[31m'\"ü✓";

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder("belay-hostile");
});
afterEach(() => folder.remove());

interface Step {
  readonly exitCode: number | null;
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** The action as a runner starts it, in a process of its own. */
async function runPush(inputs: Readonly<Record<string, string>>): Promise<Step> {
  const output = join(folder.path, "output");
  const work = join(folder.path, "work");
  await mkdir(work, { recursive: true });
  await writeFile(output, "");
  const given = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value] as const);
  const env = {
    PATH: process.env.PATH,
    HOME: folder.path,
    RUNNER_TEMP: folder.path,
    GITHUB_OUTPUT: output,
    DOCKER_HOST: `unix://${folder.path}/nowhere.sock`,
    ...Object.fromEntries(given),
  };
  const child = spawn(process.execPath, [MAIN], { cwd: work, env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log += chunk;
    });
  }
  const exitCode = await new Promise<number | null>((done, fail) => {
    child.once("error", fail);
    child.once("close", done);
  });
  return { exitCode, log, outputs: parseCommandFile(await readFile(output, "utf8")) };
}

/** Refused as what it is: no command in the log but an error, no output but ours, nothing run. */
async function expectRefused({ exitCode, log, outputs }: Step): Promise<void> {
  expect(exitCode).toBe(1);
  expect(outputs).toEqual({ outcome: "invalid_input", "exit-code": "2" });
  const obeyed = log.split(/\r?\n/).filter((line) => /^\s*(::|##\[)/.test(line));
  expect(obeyed.filter((line) => !/^::(error|warning|group|endgroup|add-mask)/.test(line))).toEqual([]);
  // A mask tells the runner the very bytes that it has to hide, and is not shown.
  expect(log.replace(/^::add-mask::.*$/gm, "")).not.toContain("\u001b");
  const made = await readdir(folder.path, { recursive: true });
  expect(made.filter((name) => name.endsWith("hostile"))).toEqual([]);
}

function release(change: Partial<Record<"service" | "repository" | "tag", string>>): Release {
  const config = `sha256:${"a".repeat(64)}` as const;
  const image = {
    repository: change.repository ?? "127.0.0.1:1/web",
    platforms: { "linux/amd64": { config } },
    tags: [change.tag ?? "sha-0123456789ab"],
  };
  return createRelease({
    stage: "build",
    application: "shop",
    source: { repository: "", revision: "0123456789ab".padEnd(40, "0") },
    services: { [change.service ?? "web"]: image },
    evidence: {},
    createdAt: "2026-01-01T00:00:00Z",
  });
}

describe("actions/push takes as data", () => {
  it.each(["service", "repository", "tag"] as const)("the %s of a release that somebody else wrote", async (part) => {
    for (const text of [NASTY, "../../../../etc/hostname"]) {
      await mkdir(join(folder.path, "belay"), { recursive: true });
      await writeFile(join(folder.path, "belay", "release.json"), JSON.stringify(release({ [part]: text })));
      await expectRefused(await runPush({}));
    }
  });
});
