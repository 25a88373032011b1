import { FORMATS, hasFormat } from "./formats.ts";
import { suggest } from "./problem.ts";

export type Variables = Readonly<Record<string, string>>;

export interface Filled {
  readonly text: string;
  /** Whole sentences; the text is as written where something is wrong. */
  readonly problems: readonly string[];
}

/** Fills in each `${NAME}`. `$${` stands for a plain `${`. Only variables count, never secrets. */
export function fillIn(text: string, variables: Variables): Filled {
  const problems: string[] = [];
  const filled = text.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (all: string, name?: string, end?: string) => {
    if (name === undefined) return "${";
    if (Object.hasOwn(variables, name) && end === "}") return variables[name] ?? "";
    problems.push(problemOf(name, end === "}", variables));
    return all;
  });
  return { text: filled, problems };
}

function problemOf(name: string, closed: boolean, variables: Variables): string {
  if (!closed || !hasFormat(name, FORMATS.variable)) {
    return `only "\${NAME}" is filled in here, without defaults or operators. For a plain "\${" write "$\${".`;
  }
  const known = Object.keys(variables);
  if (known.length === 0) return `\`\${${name}}\` is not set: there are no variables here.`;
  return `\`\${${name}}\` is not set. ${suggest(name, known, "Variables")}`;
}
