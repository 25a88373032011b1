import { parseReference } from "@belay/core";
import { SCANNERS } from "../trivy/image-arguments.ts";

/**
 * What becomes of an input of `aquasecurity/trivy-action`. `same`: handed on. `forced`: always this value. `derived`:
 * comes from the report, by `actions/scan`. `refused`: would make the report say less than the truth, or is for
 * something else than an image.
 */
export interface TrivyActionRule {
  readonly kind: "same" | "forced" | "derived" | "refused";
  /** For whoever gave another value, and for the documentation. */
  readonly why: string;
  /** What is legal, in words. */
  readonly legal: string;
  accepts(value: string): boolean;
  /** How it is handed on. Default: as it is. */
  handOn?(value: string): string;
}

/** The parts of a list, as users write them: with blanks after the commas, too. */
export function partsOf(value: string): string[] {
  return value.split(",").map((part) => part.trim());
}

const oneOf =
  (...values: readonly string[]) =>
  (value: string): boolean =>
    values.includes(value);

/** No name of a flag, nothing that a shell, a workflow command or an expression would read. */
const isPath = (value: string): boolean => /^[\w./@+][\w./@+ -]*$/.test(value);
const isGlob = (value: string): boolean => /^[\w./@+*?][\w./@+*?-]*$/.test(value);
const isSwitch = oneOf("true", "false");
const SWITCH = "true, false";

function same(why: string, legal: string, accepts: (value: string) => boolean): TrivyActionRule {
  return { kind: "same", why, legal, accepts };
}

/** Trivy splits at commas and nothing else: a blank that is left would be a part of a name that it does not know. */
function sameList(why: string, legal: string, accepts: (value: string) => boolean): TrivyActionRule {
  const handOn = (value: string): string => partsOf(value).join(",");
  return { ...same(why, legal, (value) => partsOf(value).every(accepts)), handOn };
}

function forced(value: string, why: string): TrivyActionRule {
  return { kind: "forced", why, legal: `only ${value}`, accepts: oneOf(value) };
}

function derived(why: string): TrivyActionRule {
  return { kind: "derived", why, legal: "leave it out", accepts: () => false };
}

function refused(why: string): TrivyActionRule {
  return { kind: "refused", why, legal: "leave it out", accepts: () => false };
}

const GATE = "The report holds everything; the gate of `actions/scan` decides what counts";
const IMAGES = "Only images are scanned here";

/** Every input that trivy-action has (v0.36.0), by its name there. An empty value is the same as none. */
export const TRIVY_ACTION_RULES: Readonly<Record<string, TrivyActionRule>> = {
  "image-ref": same("The image, by tag or better by digest.", "a name like ghcr.io/acme/shop@sha256:…", isReference),
  input: same("An image in a tar file or an OCI layout, instead of `image-ref`.", "a path", isPath),
  "vuln-type": sameList(
    "Kinds of packages. One of the two alone is a part: `actions/scan` passes it only with `scan-allow-partial`.",
    "os, library",
    oneOf("os", "library"),
  ),
  "skip-dirs": sameList(
    "Folders that are not looked at: `actions/scan` passes that only with `scan-allow-partial`.",
    "paths with * and ?, separated by commas",
    isGlob,
  ),
  "skip-files": sameList(
    "Files that are not looked at: `actions/scan` passes that only with `scan-allow-partial`.",
    "paths with * and ?, separated by commas",
    isGlob,
  ),
  "cache-dir": same("Trivy's cache.", "a path", isPath),
  timeout: same("For each platform.", "a duration like 5m or 1h30m0s", (value) =>
    /^(?:\d{1,6}(?:h|m|s|ms)){1,4}$/.test(value),
  ),
  "hide-progress": same("Less in the log.", SWITCH, isSwitch),
  scanners: sameList(
    "What is looked for. Default: vulnerabilities and secrets. Less than `actions/scan` wants passes only with `scan-allow-partial`.",
    SCANNERS.join(", "),
    oneOf(...SCANNERS),
  ),
  "docker-host": same("The engine that has the image.", "unix:///run/docker.sock or tcp://host:2375", isEngine),
  version: same("Another version than the pinned one needs the input `checksum`.", "a version like v0.72.0", (value) =>
    /^v?\d+\.\d+\.\d+$/.test(value),
  ),
  cache: same("Keeps the database in the workflow's cache.", SWITCH, isSwitch),
  "skip-setup-trivy": same(
    "Takes the Trivy of the machine. Otherwise Belay gets one and checks its SHA-256; setup-trivy never runs.",
    SWITCH,
    isSwitch,
  ),
  "scan-type": forced("image", `${IMAGES}.`),
  "scan-ref": forced(".", `${IMAGES}: name it in \`image-ref\` or \`input\`.`),
  format: forced(
    "json",
    "`actions/scan` makes tables, SARIF, CycloneDX, SPDX and dependency snapshots of this one report.",
  ),
  "exit-code": forced("0", `${GATE}, with exit codes that tell vulnerable (10) from could not scan (11).`),
  "list-all-pkgs": forced(
    "true",
    "Without all packages neither a bill of materials nor what a change fixes can be told.",
  ),
  severity: derived(`${GATE}.`),
  "ignore-unfixed": derived(`${GATE}.`),
  trivyignores: derived(
    `${GATE}. It reads \`.trivyignore\`, its YAML form and VEX, lists each with its reason, and ends those that expire.`,
  ),
  output: derived("The report's path is the output `report`; other formats are written by `actions/scan`."),
  template: derived("`actions/scan` writes the table, the summary and annotations."),
  "limit-severities-for-sarif": derived(
    "`actions/scan` writes SARIF from the report, with everything that is in it, whatever its severity.",
  ),
  "github-pat": derived("`actions/scan` submits the dependency snapshot, with its own token."),
  "ignore-policy": refused(
    "A policy in Rego hides findings from everybody who reads the report. Use an ignore file with a reason.",
  ),
  "trivy-config": refused(
    "A file of settings can filter the report, and one in the repository is an author's to change. None is read.",
  ),
  "tf-vars": refused(`${IMAGES}.`),
  "token-setup-trivy": refused("setup-trivy never runs, so it needs no token."),
};

function isReference(value: string): boolean {
  return parseReference(value) !== undefined;
}

function isEngine(value: string): boolean {
  return /^(?:unix:\/\/\/[\w./-]+|tcp:\/\/[\w.-]+(?::\d{1,5})?)$/.test(value);
}
