/**
 * Names in a file of commands (`GITHUB_OUTPUT`, `GITHUB_STATE`), read as strictly as the runner does: what belongs to no
 * value is a line of its own, and can set anything.
 */
export function namesInCommandFile(text: string): string[] {
  const names: string[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line === "") continue;
    const [, name, delimiter] = /^([^=]+?)<<(.+)$/.exec(line) ?? [];
    const end = delimiter === undefined ? -1 : lines.indexOf(delimiter, at + 1);
    if (name === undefined || end < 0) throw new Error(`${JSON.stringify(line)} is no part of any value`);
    names.push(name);
    at = end;
  }
  return names;
}
