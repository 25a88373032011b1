/**
 * What an action wrote into `GITHUB_OUTPUT` or `GITHUB_STATE`: `name<<delimiter`, the value, the delimiter
 * (docs: "Workflow commands", multiline strings).
 */
export function parseCommandFile(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, , value] of text.matchAll(/^([^\n<]+)<<(\S+)\n([\s\S]*?)\n\2$/gm)) {
    if (name !== undefined) found[name] = value ?? "";
  }
  return found;
}
