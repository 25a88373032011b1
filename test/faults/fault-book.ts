import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DeploymentResult, RecoveryResult } from "@belay/rollout";
import type { FaultName } from "../contract/cases.ts";
import { FAULTS_SUFFIX, ResultBook } from "../contract/results.ts";

/** What a disturbed run said at its end. */
export interface Disturbed {
  /** Nothing: the run was refused by an error before it began anything. */
  readonly result?: DeploymentResult;
  readonly thrown?: string;
  /** From the call to its end. */
  readonly milliseconds: number;
}

const LOGS_FOLDER = join(import.meta.dirname, "../../out/faults");

/** Keeps what was said in each case: the table's line of a fault sums up all moments at which it came. */
export class FaultBook {
  readonly #ends = new Map<FaultName, { said: string; cause: string; milliseconds: number }[]>();
  readonly #book = new ResultBook();

  /** Prints a line at once: a later case may not come to its end. */
  note(title: string, fault: FaultName, moment: string, disturbed: Disturbed, recovery?: RecoveryResult): void {
    const { result, thrown = "", milliseconds } = disturbed;
    const first = result?.outcome ?? "an error, nothing begun";
    const said = result?.leftOpen ? `${first}, then ${recovery?.outcome ?? recovery?.kind}` : first;
    const cause = result?.cause?.cause ?? "";
    const detail = `${result?.cause?.detail ?? ""}${thrown}`.slice(0, 200);
    const running = result?.report.running.map(({ service, ready, desired }) => `${ready} of ${desired} ${service}`);
    console.info([title, fault, moment, said, cause, detail, running?.join(", "), `${milliseconds} ms`].join(" | "));
    this.#ends.set(fault, [...(this.#ends.get(fault) ?? []), { said, cause, milliseconds }]);
  }

  /** What Belay said in a case, for whoever looks for the reason of a failure. */
  async keepLog(title: string, what: string, lines: readonly string[]): Promise<void> {
    await mkdir(LOGS_FOLDER, { recursive: true });
    const file = join(LOGS_FOLDER, `${title.replaceAll(/\W+/g, "-").toLowerCase()}.log`);
    await appendFile(file, `\n## ${new Date().toISOString()} ${what}\n${lines.join("\n")}\n`);
  }

  noteImpossible(fault: FaultName, reason: string): void {
    this.#book.noteImpossible(fault, reason);
  }

  async close(title: string): Promise<void> {
    for (const [fault, ends] of this.#ends) {
      const outcome = counted(ends.map(({ said }) => said)).join("; ");
      const causes = counted(ends.map(({ cause }) => cause).filter((cause) => cause !== "")).join(", ");
      const longest = Math.max(...ends.map(({ milliseconds }) => milliseconds));
      this.#book.tell(fault, outcome, longest, causes === "" ? undefined : causes);
    }
    await this.#book.close({ title: `${title}${FAULTS_SUFFIX}` }, "faults");
  }
}

/** `succeeded (2×)`: each once, the most frequent first. */
function counted(words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  return sorted.map(([word, count]) => (count === 1 ? word : `${word} (${count}×)`));
}
