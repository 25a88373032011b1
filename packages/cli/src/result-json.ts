import type { BelayError } from "@belay/core";

/**
 * The one line of `--json`. Durations (keys that end in `Ms`) are whole milliseconds. A bracket that GitHub's runner would
 * take for the beginning of a command (`##[`) is escaped, and what a terminal would obey unseen: the JSON means the same.
 */
export function resultJson(result: object): string {
  const json = JSON.stringify(result, (key, value: unknown) =>
    typeof value === "number" && key.endsWith("Ms") ? Math.round(value) : value,
  );
  return json
    .replaceAll("##[", "##\\u005b")
    .replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** What JSON itself leaves as it is: the second set of control characters, ends of lines, what turns or hides text. */
const UNSEEN = /[\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** What `--json` prints when the command failed. */
export function errorJson(error: BelayError): string {
  const { code, doing, got, next, reason } = error;
  return resultJson({ outcome: reason, cause: null, error: { code, doing, got, next: next ?? null } });
}
