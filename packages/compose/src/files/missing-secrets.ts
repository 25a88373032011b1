import { randomUUID } from "node:crypto";
import { BelayError } from "@belay/core";
import type { ComposeTargetOptions } from "./compose-options.ts";

type Options = Pick<ComposeTargetOptions, "missingSecrets">;

/** No file has it by chance. */
const MARK = `belay-missing-${randomUUID()}-`;

/** Values that stand for the missing secrets while the files are read, so that it shows where they would be used. */
export function placeholders({ missingSecrets = {} }: Options): Record<string, string> {
  return Object.fromEntries(Object.keys(missingSecrets).map((name, index) => [name, `${MARK}${index}.`]));
}

/**
 * To be asked of everything that comes from the files and will be used.
 * @throws BelayError CONFIG_INVALID when a missing secret is in it, by its value or by its name (`environment: NAME`).
 */
export function requireSecrets(options: Options, used: unknown, doing: string): void {
  const { missingSecrets = {} } = options;
  const text = JSON.stringify(used) ?? "";
  const needed = Object.entries(placeholders(options)).filter(
    ([name, value]) => text.includes(value) || text.includes(`"environment":${JSON.stringify(name)}`),
  );
  if (needed.length === 0) return;
  const variables = needed.map(([name]) => missingSecrets[name] ?? name);
  const one = needed.length === 1;
  throw new BelayError("CONFIG_INVALID", {
    doing,
    got: `the ${one ? "secret" : "secrets"} ${needed.map(([name]) => name).join(", ")} ${one ? "is" : "are"} needed, and ${variables.join(", ")} ${one ? "is" : "are"} not set or empty`,
    next: `Give it to the step: ${variables.map((name) => `\`env: { ${name}: \${{ secrets.${name} }} }\``).join(", ")}.`,
  });
}
