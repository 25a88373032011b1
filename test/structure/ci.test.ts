/** The suite's own CI: nothing may be left out of it by accident. */
import { matchesGlob } from "node:path";
import { expect, it, vi } from "vitest";
import { parse } from "yaml";
import { projectFiles, readText } from "./source-files.ts";

interface Job {
  readonly needs?: readonly string[];
  readonly permissions?: unknown;
  readonly "timeout-minutes"?: number;
  readonly strategy?: { readonly matrix: { readonly engine?: readonly string[] } };
  readonly steps: readonly { readonly run?: string; readonly uses?: string; readonly with?: Record<string, unknown> }[];
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const read = (name: string): Workflow => parse(readText(`.github/workflows/${name}.yml`)) as Workflow;
const ci = read("ci");
const weekly = read("weekly");
const commandsOf = ({ jobs }: Workflow): string[] =>
  Object.values(jobs).flatMap((job) => job.steps.map((step) => step.run ?? ""));
const commands = commandsOf(ci);

/** Jobs that the gate `all-green` does not wait for. */
function ungated(jobs: Readonly<Record<string, Job>>): string[] {
  const needed = jobs["all-green"]?.needs ?? [];
  return Object.keys(jobs).filter((name) => name !== "all-green" && !needed.includes(name));
}

it("has a gate that needs every other job", () => {
  expect(ungated(ci.jobs)).toEqual([]);
  expect(ungated({ "all-green": { needs: ["a"], steps: [] }, a: { steps: [] }, b: { steps: [] } })).toEqual(["b"]);
});

it("runs every folder of tests", () => {
  const folders = new Set(projectFiles("test/**/*.test.ts").map((path) => path.split("/").slice(0, 2).join("/")));
  expect([...folders].filter((folder) => !commands.some((text) => text.includes(folder)))).toEqual([]);
});

/** The beginnings of what runs each week. */
function weeklyFilters(): string[] {
  const engines = weekly.jobs.faults?.strategy?.matrix.engine ?? [];
  const named = commandsOf(weekly).flatMap((run) => [...run.matchAll(/"(test\/[^"]+)"/g)]);
  return named.flatMap(([, text = ""]) => engines.map((engine) => text.replace("$ENGINE", engine)));
}

it("runs each week in whole what is a selection each time", () => {
  const filters = weeklyFilters();
  const whole = /\b(?:kill|fault)Suite\(|BELAY_SOAK/;
  const files = projectFiles("test/engines/**/*.test.ts", "test/faults/*.test.ts").filter((path) =>
    whole.test(readText(path)),
  );
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((path) => !filters.some((filter) => path.startsWith(filter)))).toEqual([]);
});

/** The files of the project `current`. */
async function currentFiles(soak: boolean): Promise<string[]> {
  vi.stubEnv("BELAY_SOAK", soak ? "1" : "");
  vi.resetModules();
  const { default: config } = await import("../../vitest.config.ts");
  vi.unstubAllEnvs();
  const projects = (config.test?.projects ?? []) as readonly {
    readonly test?: { readonly name?: string; readonly include?: readonly string[] };
  }[];
  const globs = projects.find(({ test }) => test?.name === "current")?.test?.include ?? [];
  return projectFiles("test/*.test.ts").filter((path) => globs.some((glob) => matchesGlob(path, glob)));
}

it("runs on a current engine each week what does not run there each time", async () => {
  const always = await currentFiles(false);
  const others = (await currentFiles(true)).filter((path) => !always.includes(path));
  expect(others).toContain("test/engines/compose-recreate.test.ts");
  const filters = weeklyFilters();
  expect(others.filter((path) => !filters.some((filter) => path.startsWith(filter)))).toEqual([]);
});

it("calls scripts that exist", () => {
  const { scripts } = JSON.parse(readText("package.json")) as { scripts: Record<string, string> };
  const all = [...commands, ...commandsOf(weekly)];
  const called = all.flatMap((text) =>
    [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name ?? ""),
  );
  expect(called.length).toBeGreaterThan(0);
  expect(called.filter((name) => !(name in scripts))).toEqual([]);
});

it.each([
  ["ci", ci],
  ["weekly", weekly],
])("gives each job a time limit and its own permissions, and keeps no credentials: %s", (_, { permissions, jobs }) => {
  expect(permissions).toEqual({});
  for (const [name, job] of Object.entries(jobs)) {
    expect(job["timeout-minutes"], name).toBeGreaterThan(0);
    expect(job.permissions, name).toBeDefined();
    for (const step of job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
      expect(step.with?.["persist-credentials"], name).toBe(false);
    }
  }
});
