import type { Inputs } from "@belay/core";
import type { ScanData } from "./scan-schema.ts";
import { SCAN_SEVERITIES, SCANNER_NAMES } from "./scan-words.ts";

/** Inputs of the actions (options of the command line) about the scan, for the tests that compare them with action.yml. */
export const SCAN_INPUTS = {
  scan: "on, or off: then images are pushed that nobody looked at, and the release and the comment say so.",
  "scan-fail-on": "Severities that fail the scan, such as CRITICAL,HIGH (the default), or none.",
  "scan-ignore-unfixed": "Ignore vulnerabilities that no version fixes: true or false.",
  "scan-ignore-files": "Files in Trivy's formats that name what to ignore, one a line, relative to belay.yaml.",
  "scan-only-new": "Fail only for what the release that runs in the environment does not have too: true or false.",
  "scan-allow-unknown-os": "Pass an image in which no package was recognised: true or false.",
  "scan-allow-partial": "Pass an image of which only a part was looked at, and tell so: true or false.",
  "scan-scanners": "What is looked for: vuln, secret, misconfig, license. Default: vuln,secret.",
  "scan-max-db-age": "An older database of vulnerabilities is not used, such as 3d (the default).",
  "scan-db-repository": "Where the database of vulnerabilities comes from, one a line; the first that has it.",
  "scan-timeout": "For one platform of one image, such as 5m.",
  "scan-cache-dir": "Folder for databases and results, relative to belay.yaml. Default: Trivy's own.",
  "scan-server": "Address of a Trivy server, which has the database. Its token: TRIVY_TOKEN in the environment.",
} as const satisfies Record<string, string>;

export type ScanInput = keyof typeof SCAN_INPUTS;

/** What the inputs say, in the words of belay.yaml. `off` alone: the switch. */
export type ScanOverrides = { readonly switch?: "on" | "off" } & Exclude<ScanData, string>;

/** @throws BelayError INVALID_INPUT naming the input, its value and the legal values. */
export function loadScanOverrides(inputs: Inputs): ScanOverrides {
  const name = <T extends ScanInput>(input: T): T => input;
  const failOn = inputs.text(name("scan-fail-on")) === "none" ? [] : words(inputs, "scan-fail-on", SCAN_SEVERITIES);
  const scanners = words(inputs, name("scan-scanners"), SCANNER_NAMES);
  const written = {
    switch: inputs.choice(name("scan"), ["on", "off"]),
    "fail-on": failOn,
    "ignore-unfixed": inputs.boolean(name("scan-ignore-unfixed")),
    "ignore-files": several(inputs.list(name("scan-ignore-files"))),
    "only-new": inputs.boolean(name("scan-only-new")),
    "allow-unknown-os": inputs.boolean(name("scan-allow-unknown-os")),
    "allow-partial": inputs.boolean(name("scan-allow-partial")),
    scanners,
    "max-db-age": duration(inputs, "scan-max-db-age"),
    "db-repository": several(inputs.list(name("scan-db-repository"))),
    timeout: duration(inputs, "scan-timeout"),
    "cache-dir": inputs.text(name("scan-cache-dir")),
    server: inputs.text(name("scan-server")),
  };
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined)) as ScanOverrides;
}

function words<const T extends string>(inputs: Inputs, name: ScanInput, legal: readonly T[]): T[] | undefined {
  const given = inputs.text(name);
  if (given === undefined) return undefined;
  const all = given.split(/[\s,]+/).filter((word) => word !== "");
  const wrong = all.find((word) => !legal.some((one) => one.toLowerCase() === word.toLowerCase()));
  if (wrong !== undefined) {
    inputs.refuse(name, `it names ${JSON.stringify(wrong)}`, `Legal values: ${legal.join(", ")}.`);
  }
  return legal.filter((one) => all.some((word) => word.toLowerCase() === one.toLowerCase()));
}

/** Checked here; kept as it is written. */
function duration(inputs: Inputs, name: ScanInput): string | undefined {
  return inputs.durationMs(name) === undefined ? undefined : inputs.text(name);
}

function several(values: readonly string[]): string[] | undefined {
  return values.length === 0 ? undefined : [...values];
}
