import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CauseDetail, Outcome } from "@belay/core";
import { ROWS, type RowName } from "./cases.ts";
import type { EngineStand } from "./stand.ts";

/** A line of the table: what Belay said at the end of a case, confirmed by the outside observer, or why there is none. */
export interface CaseResult {
  readonly case: RowName;
  /** An outcome, or words where there are several. */
  readonly outcome?: string;
  /** `crash_loop in web`. */
  readonly cause?: string;
  /** From the call of the judged deployment to its end. */
  readonly seconds?: number;
  /** The case can't be on this engine. */
  readonly impossible?: string;
}

/** What the table calls an engine's section of faults. */
export const FAULTS_SUFFIX = ", while things break";

/** What the table calls an engine's section of services that can't run twice. */
export const ALONE_SUFFIX = ", what can't run twice";

export interface EngineResults {
  readonly engine: string;
  readonly cases: readonly CaseResult[];
}

/** Where test runs leave their results, and the script that writes the table finds them. */
export const RESULTS_FOLDER = join(import.meta.dirname, "../../out/contract");

interface Kills {
  readonly number: number;
  readonly longestMs: number;
  /** The steps before which they came. */
  readonly at: Set<string>;
}

/** Collects the lines of one test file. */
export class ResultBook {
  readonly #lines = new Map<RowName, CaseResult>();
  readonly #kills = new Map<RowName, Kills>();

  note(name: RowName, end: { outcome: Outcome; cause?: CauseDetail | undefined }, milliseconds: number): void {
    const { outcome, cause } = end;
    const where = cause?.service === undefined ? "" : ` in ${cause.service}`;
    this.tell(name, outcome, milliseconds, cause === undefined ? undefined : `${cause.cause}${where}`);
  }

  tell(name: RowName, outcome: string, milliseconds: number, cause?: string): void {
    const seconds = Math.round(milliseconds / 100) / 10;
    this.#lines.set(name, { case: name, outcome, seconds, ...(cause === undefined ? {} : { cause }) });
  }

  /**
   * One more kill of a case that is many of them; its time is the longest one. `at`: the step, of `all` that there are. `began`:
   * on the monotonic clock.
   */
  kill(name: RowName, at: string, all: number, began: number): void {
    const before = this.#kills.get(name) ?? { number: 0, longestMs: 0, at: new Set<string>() };
    const longestMs = Math.max(before.longestMs, performance.now() - began);
    const kills = { number: before.number + 1, longestMs, at: before.at.add(at) };
    this.#kills.set(name, kills);
    const told = `${kills.number} kills, before ${kills.at.size} of ${all} steps`;
    this.tell(name, "one whole release, proven", longestMs, told);
  }

  noteImpossible(name: RowName, reason: string): void {
    this.#lines.set(name, { case: name, impossible: reason });
  }

  /** Prints the table, and keeps it for the documentation. `part`: of the engine's results. */
  async close(stand: Pick<EngineStand, "title">, part: string): Promise<void> {
    const cases = ROWS.flatMap((name) => this.#lines.get(name) ?? []);
    console.info(cases.map((line) => printed(stand.title, line)).join("\n"));
    await mkdir(RESULTS_FOLDER, { recursive: true });
    const file = join(RESULTS_FOLDER, `${stand.title.replaceAll(/\W+/g, "-").toLowerCase()}.${part}.json`);
    const results: EngineResults = { engine: stand.title, cases: mergeCases(await readCases(file), cases) };
    await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  }
}

/** Later results take the place of earlier ones, case by case: a run of a few cases leaves the others' results as they were. */
export function mergeCases(before: readonly CaseResult[], news: readonly CaseResult[]): CaseResult[] {
  const lines = new Map(before.map((one) => [one.case, one]));
  for (const one of news) if (!isNarrower(one, lines.get(one.case))) lines.set(one.case, one);
  return [...lines.values()];
}

/** Whether a line sums up fewer kills than the one before it, and not those before every step: a selection of them was run. */
function isNarrower(line: CaseResult, before: CaseResult | undefined): boolean {
  const [kills, steps, all] = killsOf(line);
  const [killsBefore = 0] = killsOf(before);
  return kills !== undefined && steps !== all && kills < killsBefore;
}

/** How many, and before how many of all steps. Older lines do not tell the steps. */
function killsOf(line: CaseResult | undefined): (number | undefined)[] {
  const told = /^(\d+) kills(?:, before (\d+) of (\d+) steps)?$/.exec(line?.cause ?? "") ?? [];
  return told.slice(1).map((digits) => (digits === undefined ? undefined : Number(digits)));
}

async function readCases(file: string): Promise<readonly CaseResult[]> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? [] : (JSON.parse(text) as EngineResults).cases;
}

function printed(engine: string, line: CaseResult): string {
  const result =
    line.impossible === undefined
      ? `${line.outcome ?? ""} | ${line.cause ?? "–"} | ${line.seconds} s`
      : `not possible: ${line.impossible}`;
  return `${engine} | ${line.case} | ${result}`;
}
