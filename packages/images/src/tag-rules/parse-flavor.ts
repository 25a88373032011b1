import { BelayError } from "@belay/core";
import { readCsvRow } from "./read-csv-row.ts";

/** What is true of all rules together (docker/metadata-action, README, "`flavor` input"). */
export interface Flavor {
  readonly latest: "auto" | "true" | "false";
  readonly prefix: string;
  /** Whether `latest` gets it too. */
  readonly prefixLatest: boolean;
  readonly suffix: string;
  readonly suffixLatest: boolean;
}

/** @throws BelayError INVALID_INPUT */
export function parseFlavor(lines: readonly string[], doing: string): Flavor {
  const flavor = {
    latest: "auto" as Flavor["latest"],
    prefix: "",
    prefixLatest: false,
    suffix: "",
    suffixLatest: false,
  };
  for (const line of lines) {
    let last: "prefix" | "suffix" | undefined;
    for (const field of readCsvRow(line)) {
      const [, key, value = ""] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(field) ?? [];
      if (key === "latest" && (value === "auto" || value === "true" || value === "false")) flavor.latest = value;
      else if (key === "prefix" || key === "suffix") {
        flavor[key] = value;
        last = key;
      } else if (key === "onlatest" && last !== undefined && /^(true|false)$/.test(value)) {
        flavor[`${last}Latest`] = value === "true";
      } else throw refusal(line, doing);
    }
  }
  return flavor;
}

function refusal(line: string, doing: string): BelayError {
  const next = "Legal lines: latest=auto|true|false, prefix=…,onlatest=true|false, suffix=…,onlatest=true|false.";
  return new BelayError("INVALID_INPUT", { doing, got: `\`flavor\` has the line ${JSON.stringify(line)}`, next });
}
