/**
 * Writes docs/reference/scenarios.md from what the last runs of the contract suite left in `out/contract`. Run with
 * `npm run contract-table` after them. Lines of engines that did not run are kept.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ALONE_CASES, CASES, FAULTS, ROWS } from "../test/contract/cases.ts";
import {
  ALONE_SUFFIX,
  type CaseResult,
  type EngineResults,
  FAULTS_SUFFIX,
  mergeCases,
  RESULTS_FOLDER,
} from "../test/contract/results.ts";
import { table } from "./docs/markdown.ts";

export const SCENARIOS_PAGE = "docs/reference/scenarios.md";

const OPENING = `# What was seen on real engines

Each line is a test that runs on the real engine with Belay's real code: what Belay said at the end, and how long it took
from the call to that end, on a small busy machine, with a stable window of 1 s where the case needs no longer one. An
outside observer, a process with nothing but the engine's own command line, saw the same each time, or the test fails.
Times differ from run to run; nothing depends on them. Docker is Debian's 20.10 (API 1.41, classic image store), and in the
sections of the current engine one with API 1.52 and containerd's image store.

Runners are killed before steps of a deployment, a way back, a recovery, a first deployment and a rollback by hand. \`npm test\`
tries a selection of them on each engine, the weekly run each one, every time that it comes. A line tells the most kills of one
run, or those of the last run that left no step out.

What can't run twice (a fixed name, or a port of the host) is deployed with \`strategy: recreate\`: the old container ends first.

Where things break, a line sums up all moments of a deployment at which they did: every end that was told, the causes and
the longest time. \`unverified, then rolled_back\` is a run that said that it does not know, and the next one, which went on with
what it had left open. What broke on the way back did so under a release that crashes (\`crash_loop\`). After each of them one
whole release was seen, and the next deployment succeeded.
`;

const HEAD = ["case", "outcome", "cause", "seconds"];

/** The page with a section per engine, in the order given; cases in theirs. */
export function scenariosPage(engines: readonly EngineResults[]): string {
  const sections = engines.map(({ engine, cases }) => {
    const sorted = ROWS.flatMap((name) => cases.find((one) => one.case === name) ?? []);
    return `\n## ${engine}\n\n${table(HEAD, sorted.map(cells))}\n`;
  });
  return `${OPENING}${sections.join("")}`;
}

function cells(line: CaseResult): string[] {
  if (line.impossible !== undefined) return [line.case, `not possible: ${line.impossible}`, "", ""];
  return [line.case, line.outcome ?? "", line.cause ?? "", String(line.seconds ?? "")];
}

/** What a page says. The inverse of {@link scenariosPage}. */
export function readScenarios(page: string): EngineResults[] {
  return page
    .split("\n## ")
    .slice(1)
    .map((section) => {
      const [engine = "", ...lines] = section.split("\n");
      const rows = lines.filter((line) => line.startsWith("| ")).slice(2);
      return { engine, cases: rows.map(resultOf) };
    });
}

function resultOf(row: string): CaseResult {
  const [name = "", outcome = "", cause = "", seconds = ""] = row.slice(2, -2).split(" | ");
  const known = ROWS.find((one) => one === name);
  if (known === undefined) throw new Error(`${SCENARIOS_PAGE} has a case that the suite does not: ${name}`);
  const reason = /^not possible: (.*)$/.exec(outcome)?.[1];
  if (reason !== undefined) return { case: known, impossible: reason };
  return {
    ...{ case: known, outcome },
    ...(cause === "" ? {} : { cause }),
    ...(seconds === "" ? {} : { seconds: Number(seconds) }),
  };
}

/** Later results take the place of earlier ones, engine by engine and case by case ({@link mergeCases}). */
export function merge(before: readonly EngineResults[], news: readonly EngineResults[]): EngineResults[] {
  const engines = new Map<string, readonly CaseResult[]>();
  for (const { engine, cases } of [...before, ...news]) {
    engines.set(engine, mergeCases(engines.get(engine) ?? [], cases));
  }
  return [...engines].map(([engine, cases]) => ({ engine, cases: [...cases] }));
}

/** The cases that the section of an engine has. */
export function casesOf(engine: string): readonly string[] {
  if (engine.endsWith(FAULTS_SUFFIX)) return FAULTS;
  return engine.endsWith(ALONE_SUFFIX) ? ALONE_CASES : CASES;
}

/** An engine of which only a part was run comes onto the page once all of it was: without, its section would seem to be whole. */
export function withoutParts(engines: readonly EngineResults[]): EngineResults[] {
  return engines.filter(({ engine, cases }) => {
    const names = new Set<string>(cases.map((one) => one.case));
    return casesOf(engine).every((name) => names.has(name));
  });
}

async function readResults(): Promise<EngineResults[]> {
  const files = (await readdir(RESULTS_FOLDER)).filter((name) => name.endsWith(".json")).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(RESULTS_FOLDER, name), "utf8")));
  return texts.map((text) => JSON.parse(text) as EngineResults);
}

if (import.meta.main) {
  const page = join(resolve(import.meta.dirname, ".."), SCENARIOS_PAGE);
  const before = await readFile(page, "utf8").catch(() => "");
  await writeFile(page, scenariosPage(withoutParts(merge(readScenarios(before), await readResults()))));
  console.log(SCENARIOS_PAGE);
}
