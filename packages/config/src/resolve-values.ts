import { pathName } from "./describe-issue.ts";
import { FORMATS, hasFormat } from "./formats.ts";
import type { Variables } from "./interpolate.ts";
import type { Overrides } from "./overrides.ts";
import { showValue } from "./problem.ts";
import type { Resolution } from "./resolution.ts";
import type { VariableData } from "./schema.ts";
import type { Settings } from "./settings.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Variables of the file, then of the environment, then of the input: the last one wins. */
export function resolveVariables(
  resolution: Resolution,
  environment: string | undefined,
  { env, inputs }: { env: Env; inputs: Overrides },
): Variables {
  const data = resolution.file?.data;
  const own = environment === undefined ? undefined : data?.environments?.[environment]?.variables;
  const given = Object.entries(inputs.variables ?? {});
  for (const [name] of given) {
    if (hasFormat(name, FORMATS.variable)) continue;
    resolution.refuse("variables", `the name ${showValue(name)} is not legal. Legal: ${FORMATS.variable.legal}.`);
  }
  // One that a later place replaces is not looked up: its environment variable need not be there.
  const replaced = (name: string, ...later: (object | undefined)[]) =>
    later.some((one) => one && Object.hasOwn(one, name));
  const read = (
    all: Readonly<Record<string, VariableData>> | undefined,
    path: string[],
    ...later: (object | undefined)[]
  ) =>
    Object.entries(all ?? {}).flatMap(([name, value]): [string, string][] => {
      if (replaced(name, ...later)) return [];
      return [[name, valueFrom(resolution, value, { env, path: [...path, name] })]];
    });
  return Object.fromEntries([
    ...read(data?.variables, ["variables"], own, inputs.variables),
    ...read(own, ["environments", environment ?? "", "variables"], inputs.variables),
    ...given,
  ]);
}

function valueFrom(resolution: Resolution, data: VariableData, { env, path }: { env: Env; path: string[] }): string {
  if (typeof data !== "object") return String(data);
  const set = env[data.env];
  // GitHub gives an empty text for a variable of the repository that nobody has set.
  const value = (set === "" ? undefined : set) ?? data.default ?? set;
  if (value !== undefined) return String(value);
  const message = `\`${pathName(path)}\`: the environment variable \`${data.env}\` is not set, and there is no \`default\`.`;
  resolution.complain([...path, "env"], message);
  return "";
}

/**
 * Values of the environment's secrets. `onSecret` is told of each before anything else is done with it. An empty value
 * counts as missing: GitHub gives an empty text for a secret that does not exist. `all`: a missing one is a problem.
 */
export function resolveSecrets(
  resolution: Resolution,
  environment: string,
  { env, onSecret, all }: { env: Env; onSecret: (value: string) => void; all: boolean },
): Pick<Settings, "secrets" | "missingSecrets"> {
  const named = Object.entries(resolution.file?.data.environments?.[environment]?.secrets ?? {});
  const values = new Map<string, string>();
  const missing = new Map<string, string>();
  for (const [name, { env: from }] of named) {
    const value = env[from];
    if (value !== undefined && value !== "") {
      onSecret(value);
      values.set(name, value);
      continue;
    }
    missing.set(name, from);
    if (!all) continue;
    const path = ["environments", environment, "secrets", name, "env"];
    const state = value === undefined ? "not set" : "empty";
    const next = `Give it to the step: \`env: { ${from}: \${{ secrets.${from} }} }\`.`;
    resolution.complain(path, `the environment variable \`${from}\` of the secret \`${name}\` is ${state}. ${next}`);
  }
  return { secrets: Object.fromEntries(values), missingSecrets: Object.fromEntries(missing) };
}
