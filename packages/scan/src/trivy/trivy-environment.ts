/**
 * Of Trivy's own variables only credentials come through. The others are options (`TRIVY_SEVERITY`,
 * `TRIVY_IGNOREFILE`, …) that would filter the report behind the gate's back.
 */
const CREDENTIALS = ["TRIVY_USERNAME", "TRIVY_PASSWORD", "TRIVY_REGISTRY_TOKEN", "TRIVY_TOKEN", "TRIVY_TOKEN_HEADER"];

/** Names of the variables that Trivy gets of an environment. */
export function inheritedNames(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env).filter((name) => !/^TRIVY_/i.test(name) || CREDENTIALS.includes(name));
}

/** No look for a newer version, and nothing told to its makers. As variables: an older Trivy ignores what it does not know. */
export const QUIET: Readonly<Record<string, string>> = {
  TRIVY_SKIP_VERSION_CHECK: "true",
  TRIVY_DISABLE_TELEMETRY: "true",
};
