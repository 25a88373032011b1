import { EXIT_CODES, type Inputs, OUTCOMES } from "@belay/core";

/** Names of everything that a step can end with. */
const ENDS: readonly string[] = [...Object.keys(OUTCOMES), ...Object.keys(EXIT_CODES)];
const WELL: readonly string[] = ["succeeded", "unchanged"];

/**
 * The input `fail-on`: which ends fail the step. `never`, or names; default: all but `succeeded` and `unchanged`.
 * @throws BelayError INVALID_INPUT for an unknown name.
 */
export function readFailOn(inputs: Inputs): ReadonlySet<string> {
  const text = inputs.text("fail-on");
  if (text === undefined) return new Set(ENDS.filter((end) => !WELL.includes(end)));
  if (text === "never") return new Set();
  const names = text.split(/[\s,]+/).filter((name) => name !== "");
  const unknown = names.find((name) => !ENDS.includes(name));
  if (unknown !== undefined) {
    inputs.refuse("fail-on", `it names ${JSON.stringify(unknown)}`, `Legal values: never, ${ENDS.join(", ")}.`);
  }
  return new Set(names);
}
