import type { Inputs, Platform } from "@belay/core";
import { DEFAULT_POLICY } from "../gate/gate-policy.ts";
import { lookAtScope } from "../gate/look-at-scope.ts";
import { PACKAGE_KINDS, type ScanScope } from "../report/scan-scope.ts";
import { SCANNERS } from "../trivy/image-arguments.ts";
import type { TrivyChoice } from "../trivy/trivy-release.ts";
import { partsOf, TRIVY_ACTION_RULES } from "./trivy-action-rules.ts";

/** What trivy-action is called with, all of it checked. */
export interface TrivyActionCall {
  /** Its inputs that are handed on, by their names. */
  readonly inputs: Readonly<Record<string, string>>;
  /** As given; {@link trivyActionRuns} makes runs of them. */
  readonly platforms: readonly Platform[];
  /** `undefined`: the machine's own Trivy. */
  readonly download?: TrivyChoice;
  /** What the report will not speak of, though the gate's defaults want it, for the log. */
  readonly blind: readonly string[];
}

/** A composite action has no loops: so many steps stand in action.yml. */
export const MOST_PLATFORMS = 4;

/** Of Trivy's own variables these only say where things are fetched and with whose name; the others are options. */
const VARIABLES: ReadonlySet<string> = new Set([
  ...["TRIVY_USERNAME", "TRIVY_PASSWORD", "TRIVY_REGISTRY_TOKEN", "TRIVY_DB_REPOSITORY", "TRIVY_JAVA_DB_REPOSITORY"],
  ...["TRIVY_CHECKS_BUNDLE_REPOSITORY", "TRIVY_SKIP_DB_UPDATE", "TRIVY_SKIP_JAVA_DB_UPDATE", "TRIVY_OFFLINE_SCAN"],
  ...["TRIVY_INSECURE", "TRIVY_CACHE_BACKEND", "TRIVY_SKIP_VERSION_CHECK", "TRIVY_DISABLE_TELEMETRY", "TRIVY_DEBUG"],
]);

/**
 * Checks the inputs of the wrapper of trivy-action, and the workflow's variables that would reach Trivy past them.
 * @throws BelayError INVALID_INPUT with the input, the value, what is legal, and why
 */
export function trivyActionCall(inputs: Inputs, env: Readonly<Record<string, string | undefined>>): TrivyActionCall {
  checkVariables(inputs, env);
  const values: Record<string, string> = {};
  for (const [name, rule] of Object.entries(TRIVY_ACTION_RULES)) {
    const value = inputs.text(name);
    if (value === undefined) continue;
    if (!rule.accepts(value)) refuse(inputs, name, value, rule);
    if (rule.kind === "same") values[name] = rule.handOn?.(value) ?? value;
  }
  const platforms = readPlatforms(inputs);
  if ((values["image-ref"] === undefined) === (values.input === undefined)) {
    inputs.refuse("image-ref", "there has to be either it or `input`", "Name one image.");
  }
  const download = readDownload(inputs, values);
  return {
    inputs: values,
    platforms,
    ...(download === undefined ? {} : { download }),
    blind: lookAtScope({ scope: trivyActionScope(inputs) }, DEFAULT_POLICY),
  };
}

/** What a call with these inputs, which were checked, looks for. Default: Trivy's own. */
export function trivyActionScope(inputs: Inputs): ScanScope {
  const list = (name: string) => partsOf(inputs.text(name) ?? "").filter(Boolean);
  const [scanners, packages] = [list("scanners"), list("vuln-type")];
  const skipped = [...list("skip-dirs"), ...list("skip-files")];
  return {
    scanners: scanners.length === 0 ? ["vuln", "secret"] : SCANNERS.filter((one) => scanners.includes(one)),
    ...(packages.length === 0 ? {} : { packages: PACKAGE_KINDS.filter((one) => packages.includes(one)) }),
    ...(skipped.length === 0 ? {} : { skipped }),
  };
}

function refuse(inputs: Inputs, name: string, value: string, rule: (typeof TRIVY_ACTION_RULES)[string]): never {
  // The value of an input that is for a secret stays out of the log.
  const shown = /token|pat$/.test(name) ? "it is set" : `its value is ${JSON.stringify(value)}`;
  return inputs.refuse(name, shown, `Legal: ${rule.legal}. ${rule.why}`);
}

function checkVariables(inputs: Inputs, env: Readonly<Record<string, string | undefined>>): void {
  const wrong = Object.keys(env).find((name) => /^TRIVY_/i.test(name) && env[name] !== "" && !VARIABLES.has(name));
  if (wrong === undefined) return;
  const next = `Take ${wrong} out of the workflow's \`env:\`: ${[...VARIABLES].join(", ")} may stay.`;
  inputs.refuse("image-ref", `the variable ${JSON.stringify(wrong)} would change what Trivy reports`, next);
}

function readPlatforms(inputs: Inputs): Platform[] {
  const names = (inputs.text("platforms") ?? "").split(/[\s,]+/).filter((name) => name !== "");
  const wrong = names.find((name) => !/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/.test(name));
  if (wrong !== undefined) {
    inputs.refuse("platforms", `${JSON.stringify(wrong)} is no platform`, "Write them like linux/amd64,linux/arm64.");
  }
  const unique = [...new Set(names)];
  if (unique.length > MOST_PLATFORMS) {
    const next = `Take at most ${MOST_PLATFORMS} in one step: share them over the jobs of a matrix.`;
    inputs.refuse("platforms", `there are ${unique.length}`, next);
  }
  return unique;
}

function readDownload(inputs: Inputs, values: Readonly<Record<string, string>>): TrivyChoice | undefined {
  const [version, checksum, mirror] = [values.version, inputs.text("checksum"), inputs.text("mirror")];
  if (values["skip-setup-trivy"] !== "true") {
    return {
      ...(version === undefined ? {} : { version }),
      ...(checksum === undefined ? {} : { checksum }),
      ...(mirror === undefined ? {} : { mirror }),
    };
  }
  const useless = Object.entries({ version, checksum, mirror }).find(([, value]) => value !== undefined)?.[0];
  if (useless !== undefined) {
    inputs.refuse(useless, "nothing is downloaded with `skip-setup-trivy`", "Leave one of them out.");
  }
  return undefined;
}
