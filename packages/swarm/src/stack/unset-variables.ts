/** The parts of a file in which docker puts variables in (docker/cli, `compose/interpolation`). */
const SECTIONS = ["services", "volumes", "networks", "secrets", "configs"] as const;
/** `$$`, `$NAME`, `${NAME}`, and what comes after the name: `:-`, `-`, `:?`, `?` (docker/cli, `compose/template`). */
const VARIABLE = /\$(?:(\$)|([_a-z][_a-z0-9]*)(:?[-?])?|\{([_a-z][_a-z0-9]*)(:?[-?])?)/gi;

/** Names that a file uses without a default and that are not there. Docker would put nothing in their place, silently. */
export function unsetVariables(file: unknown, known: Readonly<Record<string, string>>): string[] {
  const texts = SECTIONS.flatMap((section) => textsIn(asObject(file)[section]));
  return [...new Set(texts.flatMap(plainNames))].filter((name) => known[name] === undefined);
}

/**
 * Names that services pass on without a value (`environment: [NAME]` or `NAME:`) and that are not there: docker takes these from
 * its own environment, and without them the container has none, not even the one of its image (docker/cli, `resolveEnvironment`).
 */
export function unsetPassed(file: unknown, known: Readonly<Record<string, string>>): string[] {
  const names = environmentsOf(file).flatMap((environment): string[] => {
    if (Array.isArray(environment)) return environment.filter(isBareName);
    return Object.entries(asObject(environment)).flatMap(([name, value]) => (value === null ? [name] : []));
  });
  return names.filter((name) => known[name] === undefined);
}

/** What holds a variable (`${PAIR}`) may have its `=` in there. */
function isBareName(entry: unknown): entry is string {
  return typeof entry === "string" && !/[=$]/.test(entry);
}

function environmentsOf(file: unknown): unknown[] {
  const { services } = asObject(file);
  return Object.values(asObject(services)).map((service) => asObject(service).environment);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
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
