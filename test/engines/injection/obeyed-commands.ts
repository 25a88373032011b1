/** Commands that Belay itself gives. Each of them only shows or hides text. */
const OWN = new Set(["error", "warning", "notice", "group", "endgroup", "debug", "add-mask"]);

/**
 * What GitHub's runner would obey in what a step wrote (actions/runner, `ActionCommand`: TryParseV2, TryParse), beside
 * Belay's own commands: `::x::` after white space at the start of a line, `##[x]` wherever it stands in one that is none.
 * An own command that says `hostile`, and nothing else, is not Belay's.
 */
export function obeyedCommands(log: string): string[] {
  return log.split(/\r\n|\r|\n/).flatMap((line) => {
    const [, name, data] = /^[\s\u0085]*::([^ ]*?)(?: .*?)?::(.*)$/s.exec(line) ?? [];
    if (name !== undefined) return OWN.has(name) && data !== "hostile" ? [] : [line];
    return line.includes("##[") ? [line] : [];
  });
}
