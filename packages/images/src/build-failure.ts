import { plainText } from "@belay/core";

/** What a builder's output tells about the step that failed. */
export interface FailedStep {
  /** Stage of the Dockerfile, by name or number. */
  readonly stage?: string;
  /** The instruction: `RUN npm test`. */
  readonly instruction?: string;
  /** Line in the Dockerfile, from 1. */
  readonly line?: number;
  /** The command in the container ran and ended with another exit code than 0. */
  readonly exitCode?: number;
  /** What the failed step itself wrote last, without the other steps'. */
  readonly output?: string;
}

/** Reads BuildKit's or the classic builder's plain output. Nothing is guessed: what is not there stays out. */
export function readFailure(output: string, dockerfile: string): FailedStep {
  const text = plainText(output);
  const step = /^ > \[/m.test(text) ? buildkitStep(text) : legacyStep(text);
  const line = markedLine(text) ?? lineOf(step.instruction, dockerfile);
  return { ...step, ...(line === undefined ? {} : { line }) };
}

/** ` > [test 2/3] RUN npm test:` heads the last output of the failed step; a single stage has no name: `[2/3]`. */
function buildkitStep(text: string): FailedStep {
  const [, stage, instruction] = /^ > \[(?:[\w/.-]+ )??(?:([\w.-]+) +)?\d+\/\d+\] (.+?):?$/m.exec(text) ?? [];
  const code = /(?:did not complete successfully|executor failed running .*): exit code: (\d+)/.exec(text)?.[1];
  return {
    ...(stage === undefined ? {} : { stage }),
    ...(instruction === undefined ? {} : { instruction }),
    ...(code === undefined ? {} : { exitCode: Number(code) }),
    ...outputOf(/^ > \[.*\] .*:\n([\s\S]*?)^------$/m.exec(text)?.[1]),
  };
}

/** BuildKit puts the seconds since the step began before each line. */
function outputOf(text: string | undefined): { output?: string } {
  const output = text?.replace(/^\d+\.\d+ /gm, "").trim() ?? "";
  return output === "" ? {} : { output };
}

/** `Step 4/9 : RUN npm test` is the last step begun; the stage is that of the last `FROM … AS name` before it. */
function legacyStep(text: string): FailedStep {
  const steps = [...text.matchAll(/^Step \d+\/\d+ : (.+)$/gm)].map(([, instruction]) => instruction ?? "");
  const from = steps.filter((step) => /^FROM\s/i.test(step));
  const stage = /\sAS\s+(\S+)\s*$/i.exec(from.at(-1) ?? "")?.[1] ?? (from.length > 0 ? String(from.length - 1) : "");
  const instruction = steps.at(-1);
  const code = /^The command '.*' returned a non-zero code: (\d+)$/m.exec(text)?.[1];
  const said = text.slice(text.lastIndexOf("Step ")).split("\n").slice(1);
  const own = said.filter((line) => !/^ ---> |^The command '/.test(line)).join("\n");
  return {
    ...(stage === "" ? {} : { stage }),
    ...(instruction === undefined ? {} : { instruction, ...outputOf(own) }),
    ...(code === undefined ? {} : { exitCode: Number(code) }),
  };
}

/** `   3 | >>> RUN npm test`: how newer BuildKits mark the line. Older ones and the classic builder tell it of a mistake. */
function markedLine(text: string): number | undefined {
  const line = (/^\s*(\d+) \| >>> /m.exec(text) ?? /[Dd]ockerfile parse error (?:on )?line (\d+):/.exec(text))?.[1];
  return line === undefined ? undefined : Number(line);
}

/** The line that holds exactly this instruction, when there is just one. */
function lineOf(instruction: string | undefined, dockerfile: string): number | undefined {
  if (instruction === undefined) return undefined;
  const wanted = squeeze(instruction);
  const found = dockerfile.split("\n").flatMap((line, index) => (squeeze(line) === wanted ? [index + 1] : []));
  return found.length === 1 ? found[0] : undefined;
}

function squeeze(text: string): string {
  return text.trim().replace(/\s+/g, " ").toLowerCase();
}
