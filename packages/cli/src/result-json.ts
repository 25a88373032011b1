import type { BelayError } from "@belay/core";

/**
 * The one line of `--json`. Durations (keys that end in `Ms`) are whole milliseconds. A bracket that GitHub's runner would
 * take for the beginning of a command (`##[`) is escaped: the JSON means the same.
 */
export function resultJson(result: object): string {
  const json = JSON.stringify(result, (key, value: unknown) =>
    typeof value === "number" && key.endsWith("Ms") ? Math.round(value) : value,
  );
  return json.replaceAll("##[", "##\\u005b");
}

/** What `--json` prints when the command failed. */
export function errorJson(error: BelayError): string {
  const { code, doing, got, next, reason } = error;
  return resultJson({ outcome: reason, cause: null, error: { code, doing, got, next: next ?? null } });
}
