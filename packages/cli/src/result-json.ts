import type { BelayError } from "@belay/core";

/** The one line of `--json`. Durations (keys that end in `Ms`) are whole milliseconds. */
export function resultJson(result: object): string {
  return JSON.stringify(result, (key, value: unknown) =>
    typeof value === "number" && key.endsWith("Ms") ? Math.round(value) : value,
  );
}

/** What `--json` prints when the command failed. */
export function errorJson(error: BelayError): string {
  const { code, doing, got, next, reason } = error;
  return resultJson({ outcome: reason, cause: null, error: { code, doing, got, next: next ?? null } });
}
