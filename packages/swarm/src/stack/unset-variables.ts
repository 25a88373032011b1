/** The parts of a file in which docker puts variables in (docker/cli, `compose/interpolation`). */
const SECTIONS = ["services", "volumes", "networks", "secrets", "configs"] as const;
/** `$$`, `$NAME`, `${NAME}`, and what comes after the name: `:-`, `-`, `:?`, `?` (docker/cli, `compose/template`). */
const VARIABLE = /\$(?:(\$)|([_a-z][_a-z0-9]*)(:?[-?])?|\{([_a-z][_a-z0-9]*)(:?[-?])?)/gi;

/** Names that a file uses without a default and that are not there. Docker would put nothing in their place, silently. */
export function unsetVariables(file: unknown, known: Readonly<Record<string, string>>): string[] {
  if (typeof file !== "object" || file === null) return [];
  const texts = SECTIONS.flatMap((section) => textsIn((file as Readonly<Record<string, unknown>>)[section]));
  return [...new Set(texts.flatMap(plainNames))].filter((name) => known[name] === undefined);
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

function plainNames(text: string): string[] {
  return [...text.matchAll(VARIABLE)].flatMap(([, escaped, bare, bareMark, braced, bracedMark]) => {
    const name = bare ?? braced;
    return escaped !== undefined || name === undefined || (bareMark ?? bracedMark) !== undefined ? [] : [name];
  });
}
