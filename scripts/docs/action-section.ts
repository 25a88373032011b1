import { parse } from "yaml";
import type { Permission } from "../permissions.ts";
import { table } from "./markdown.ts";

interface Input {
  readonly description: string;
  readonly required?: boolean;
  readonly default?: string;
}

/** What of an action.yml is documented. */
export interface ActionFile {
  readonly name: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, Input>>;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
}

export function parseAction(text: string): ActionFile {
  const { name, description, inputs = {}, outputs = {} } = parse(text) as ActionFile;
  return { name, description, inputs, outputs };
}

/**
 * How an action is called, what it takes, what it gives, and what its job must be allowed. `example`: inputs of the call that
 * no action.yml requires and without which it is refused all the same.
 */
export function actionSection(
  action: ActionFile,
  uses: string,
  permissions: readonly Permission[],
  example: Readonly<Record<string, string>> = {},
): string {
  return [
    "## Use",
    snippet(action, uses, permissions, example),
    "## Inputs",
    inputTable(action),
    "## Outputs",
    table(
      ["output", "what it is"],
      Object.entries(action.outputs).map(([name, output]) => [`\`${name}\``, output.description]),
    ),
    "## Permissions",
    table(
      ["permission", "why", "without it"],
      permissions.map((one) => [`\`${one.name}: ${one.level}\``, one.why, one.without ?? "The job can't begin."]),
    ),
  ].join("\n\n");
}

function snippet(
  action: ActionFile,
  uses: string,
  permissions: readonly Permission[],
  example: Readonly<Record<string, string>>,
): string {
  const required = Object.entries(action.inputs).filter(([, input]) => input.required === true);
  const values = [...required.map(([name]): [string, string] => [name, "…"]), ...Object.entries(example)];
  if ("environment" in action.inputs) values.push(["environment", "staging"]);
  return [
    "```yaml",
    "permissions:",
    ...permissions.filter(({ optional }) => optional !== true).map((one) => `  ${one.name}: ${one.level}`),
    "steps:",
    `  - uses: ${uses}`,
    ...(values.length === 0 ? [] : ["    with:", ...values.map(([name, value]) => `      ${name}: ${value}`)]),
    "```",
  ].join("\n");
}

function inputTable(action: ActionFile): string {
  const rows = Object.entries(action.inputs).map(([name, input]) => [
    `\`${name}\`${input.required === true ? " (required)" : ""}`,
    input.description,
    input.default === undefined || input.default === "" ? "" : `\`${input.default}\``,
  ]);
  return table(["input", "what it is", "default"], rows);
}
