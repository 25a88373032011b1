import { BelayError } from "@belay/core";

/** What is wrong with the user's manifests, all of it at once. Each problem begins with its place. */
export function manifestError(doing: string, problems: readonly string[], next?: string): BelayError {
  const [first = "", ...more] = problems;
  const got = more.length === 0 ? first : [`${problems.length} problems:`, ...problems].join("\n");
  return new BelayError("CONFIG_INVALID", {
    doing,
    got: `${got}${more.length === 0 ? "" : "\n"}`,
    next: `${next === undefined ? "" : `${next} `}Nothing was changed.`,
  });
}
