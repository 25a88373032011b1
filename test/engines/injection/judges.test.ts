/** What the injection tests see by: each of them has to see what is there. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { hostileValues } from "./hostile-values.ts";
import { liveMarkdown } from "./live-markdown.ts";
import { namesInCommandFile } from "./names-in-command-file.ts";
import { obeyedCommands } from "./obeyed-commands.ts";
import { makeRecordingTools, readCalls } from "./recording-tools.ts";

const { word, line, lines, flag } = hostileValues("/canary");

it.each([
  ["::set-output name=x::1", 1],
  ["\u0085 ::stop-commands::x", 1],
  ["web: ##[add-mask]x", 1],
  [lines, 5],
  [line, 1],
  ["::error::1\u2028##[set-output]x", 0],
  ["::error::1%0A::set-output::x\nplain ::set-output::x\n::add-mask::x", 0],
  ["\u200b::set-output name=x::1\n#\u200b#[set-output]x", 0],
])("in %j the runner obeys %i commands", (text, count) => {
  expect(obeyedCommands(text)).toHaveLength(count);
});

it("finds what a value of an output would set beside it", () => {
  expect(namesInCommandFile("a<<end\noutcome=succeeded\nend\nb<<x\n\nx\n")).toEqual(["a", "b"]);
  expect(() => namesInCommandFile("a<<end\nx\nend\noutcome=succeeded\n")).toThrow("outcome=succeeded");
  expect(() => namesInCommandFile(`a=${lines}\n`)).toThrow("is no part of any value");
});

it.each([word, line, lines])("finds what is alive in %j", (text) => {
  expect(liveMarkdown(text)).not.toEqual([]);
  expect(liveMarkdown(`\`\`\`\`\`text\n${text}\n\`\`\`\`\``)).toEqual([]);
});

it("finds a section that somebody else ended", () => {
  const section = (text: string) => `<details><summary>x</summary>\n\n${text}\n\n</details>`;
  expect(liveMarkdown(section("text"))).toEqual([]);
  expect(liveMarkdown(section("text\n</details>\n"))).not.toEqual([]);
});

const QUOTES = ["", "'", '"'];
const NAMES = ["word", "line", "lines", "flag"] as const;

it.each(NAMES.flatMap((name) => QUOTES.map((quote) => [name, quote] as const)))(
  "has a %s that a shell obeys between %j",
  async (name, quote) => {
    await using folder = await temporaryFolder("belay-canary");
    const value = hostileValues(join(folder.path, "hit"))[name];
    await promisify(execFile)("bash", ["-c", `echo ${quote}${value}${quote}`]).catch(() => undefined);
    expect(await readdir(folder.path)).toEqual(["hit"]);
  },
);

it("sees every word of a child process", async () => {
  await using folder = await temporaryFolder("belay-calls");
  const record = join(folder.path, "calls");
  await makeRecordingTools(join(folder.path, "bin"), { tool: "exit 0" });
  const env = { ...process.env, BELAY_TEST_CALLS: record };
  for (const words of [
    ["a", flag, lines],
    ["", "b"],
  ]) {
    await promisify(execFile)(join(folder.path, "bin/tool"), words, { env });
  }
  expect(await readCalls(record)).toEqual([
    ["tool", "a", flag, lines],
    ["tool", "", "b"],
  ]);
});
