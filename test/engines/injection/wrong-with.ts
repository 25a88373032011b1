import { readdir } from "node:fs/promises";
import { parseCommandFile } from "@belay/testkit";
import type { Attempt } from "./injection-stand.ts";
import { liveMarkdown } from "./live-markdown.ts";
import { namesInCommandFile } from "./names-in-command-file.ts";
import { obeyedCommands } from "./obeyed-commands.ts";

/** Where a hostile text would be seen to act. */
export interface Place {
  /** Folder in which nothing may appear. */
  readonly canaries: string;
  /** Outputs that there may be. Default: any. */
  readonly outputs?: readonly string[];
}

const STATES = ["run", "done"];

/** What speaks against a step of an action; nothing, when the hostile text stayed text. */
export async function wrongWithStep(attempt: Attempt, place: Place): Promise<string[]> {
  const { exitCode, stderr, output, state } = attempt;
  const { outputs } = place;
  return [
    ...(exitCode === 0 || exitCode === 1 ? [] : [`it ended with ${exitCode}`]),
    ...(parseCommandFile(output).outcome === undefined ? ["it has no outcome"] : []),
    ...(stderr === "" ? [] : [`on stderr: ${stderr}`]),
    ...namesInCommandFile(output).flatMap((name) => (outputs?.includes(name) === false ? [`an output ${name}`] : [])),
    ...namesInCommandFile(state).flatMap((name) => (STATES.includes(name) ? [] : [`a state ${name}`])),
    ...(await wrongWithProcess(attempt, place)),
  ];
}

/** The same for any process of Belay's in a step. */
export async function wrongWithProcess(attempt: Attempt, { canaries }: Place): Promise<string[]> {
  const { stdout, stderr, variables, summary, calls } = attempt;
  const crash = /^\s+at .+:\d+:\d+\)?$|This is a defect in Belay/m;
  return [
    ...(crash.test(stdout + stderr) ? ["it crashed"] : []),
    ...[...obeyedCommands(stdout), ...obeyedCommands(stderr)].map((line) => `the runner obeys ${JSON.stringify(line)}`),
    ...calls.filter((call) => call.some((word) => /^-{1,2}hostile/.test(word))).map((call) => `an option: ${call}`),
    ...(variables === "" ? [] : [`variables: ${variables}`]),
    ...liveMarkdown(summary),
    ...unseen(`\n${stdout}`.replace(/\n::add-mask::[^\n]*/g, "") + stderr + summary),
    ...(await readdir(canaries)).map((name) => `a shell made ${name}`),
  ];
}

/** Control characters, of a terminal's second set too, and those that turn the direction of text. */
const UNSEEN = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** What nobody sees and a terminal obeys. A mask tells the runner the very bytes that it has to hide, and is not shown. */
function unseen(shown: string): string[] {
  const found = UNSEEN.exec(shown);
  if (found === null) return [];
  return [`shown as it is: ${JSON.stringify(shown.slice(Math.max(0, found.index - 40), found.index + 40))}`];
}
