import type { Command } from "./commands.ts";

const WIDTH = 30;

/** What `belay --help` shows. */
export function generalHelp(version: string, commands: readonly Command[]): string {
  const lines = commands.map((command) => `  ${command.name.padEnd(12)}${command.summary}`);
  return [
    `belay ${version}: takes a commit to production and back.`,
    "",
    "Usage: belay <command> [options]",
    "",
    "Commands:",
    ...lines,
    "",
    "belay <command> --help tells its options. They can also stand in belay.yaml.",
    "Secrets are never read from the command line: GITHUB_TOKEN holds the token for GitHub, BELAY_KUBECONFIG_DATA a whole",
    "kubeconfig (as it is or in base64) where there is no file of it.",
    "Exit codes: 0 succeeded or unchanged, 2 invalid input, 3 refused, 4 rolled back, 5 rollback failed, 6 superseded,",
    "7 cancelled, 8 timed out, 9 unverified, 10 vulnerabilities, 11 scan could not run, 12 drift, 13 failed, 14 build,",
    "15 tests, 16 push, 17 verify, 1 internal error.",
    "",
  ].join("\n");
}

/** What `belay <command> --help` shows. */
export function commandHelp(command: Command): string {
  const options = command.options.map((option) => {
    const name = `  --${option.name}${option.kind === "flag" ? "" : " VALUE"}`;
    const gap = name.length < WIDTH ? name.padEnd(WIDTH) : `${name}\n${" ".repeat(WIDTH)}`;
    return `${gap}${wrap(option.description, 120 - WIDTH)}${option.kind === "list" ? " (may be given several times)" : ""}`;
  });
  return [`Usage: belay ${command.name} [options]`, "", command.summary, "", "Options:", ...options, ""].join("\n");
}

function wrap(text: string, width: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join(`\n${" ".repeat(WIDTH)}`);
}
