import type { InputSource } from "@belay/core";

/**
 * Steps of a composite action get no `INPUT_*`. All its inputs come as one JSON text in one variable, so that none of
 * them is ever a part of a script.
 */
export function inputsOfComposite(env: Readonly<Record<string, string | undefined>>): InputSource {
  const values = new Map(Object.entries(JSON.parse(env.BELAY_INPUTS ?? "{}") as Record<string, unknown>));
  return (name) => {
    const value = values.get(name);
    return value === undefined || value === null ? undefined : String(value);
  };
}
