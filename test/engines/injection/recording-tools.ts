import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Words of a child process: the program and its arguments. */
export type Call = readonly string[];

/**
 * Puts programs into `folder` that write down what they are asked and then are the real ones. `real`: the shell line that each
 * goes on with, after which come its words (`exec /usr/bin/git "$@"`).
 */
export async function makeRecordingTools(folder: string, real: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, line] of Object.entries(real)) {
    const file = join(folder, name);
    // One write for each call, so that calls at the same time do not mix: how many words, and each with a zero byte behind it.
    const record = `printf '%s\\0' "$#" ${name} "$@" >> "$BELAY_TEST_CALLS"`;
    await writeFile(file, `#!/bin/sh\n${record}\n${line}\n`);
    await chmod(file, 0o755);
  }
}

/** What was asked, in a file that the tools wrote. */
export async function readCalls(file: string): Promise<Call[]> {
  const words = (await readFile(file, "utf8")).split("\0").slice(0, -1);
  const calls: Call[] = [];
  for (let at = 0; at < words.length; ) {
    const end = at + 2 + Number(words[at]);
    calls.push(words.slice(at + 1, end));
    at = end;
  }
  return calls;
}
