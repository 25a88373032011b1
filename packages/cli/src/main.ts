#!/usr/bin/env node
import { BelayError, EXIT_CODES, plainText, toBelayError } from "@belay/core";
import { closest } from "fastest-levenshtein";
import { parseArguments } from "./arguments.ts";
import { COMMANDS, type Command } from "./commands.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { errorJson } from "./result-json.ts";
import { shownText } from "./shown-text.ts";
import { VERSION } from "./version.ts";

/** `belay <command> [options]`: exit code by the table of outcomes. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "help") {
    process.stdout.write(generalHelp(VERSION, COMMANDS));
    return name === undefined ? EXIT_CODES.invalid_input : 0;
  }
  if (name === "--version" || name === "version") {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const command = COMMANDS.find((one) => one.name === name) ?? unknown(name);
  // Secrets have no place on a command line, where every user of the machine can read them.
  const hidden = {
    "github-token": process.env.GITHUB_TOKEN ?? "",
    "kubeconfig-data": process.env.BELAY_KUBECONFIG_DATA ?? "",
  };
  const parsed = parseArguments(rest, command.options, hidden);
  if (parsed.has("help")) {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  const { runCommand } = await import("./run-command.ts");
  return runCommand(command, parsed);
}

function unknown(name: string): Command {
  const nearest = closest(
    name,
    COMMANDS.map((command) => command.name),
  );
  throw new BelayError("INVALID_INPUT", {
    doing: "reading the command line",
    got: `${JSON.stringify(name)} is no command`,
    next: `Did you mean \`belay ${nearest}\`? See belay --help.`,
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  const error = toBelayError(thrown, "running belay");
  process.stderr.write(shownText(plainText(`belay: ${error.message}\n`)));
  if (process.argv.includes("--json")) process.stdout.write(`${errorJson(error)}\n`);
  process.exitCode = error.exitCode;
}
