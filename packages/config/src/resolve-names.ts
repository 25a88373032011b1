import { FORMATS, hasFormat } from "./formats.ts";
import type { Overrides } from "./overrides.ts";
import { showValue, suggest } from "./problem.ts";
import type { Resolution } from "./resolution.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Input, belay.yaml, repository. A problem and an empty name when none of them says it. */
export function resolveApplicationName(resolution: Resolution, inputs: Overrides, env: Env): string {
  const given = resolution.text(
    "application",
    inputs.application,
    "name",
    ["application"],
    resolution.file?.application,
  );
  const name = given ?? fromRepository(env);
  if (name === undefined) resolution.refuse("application", "it is missing, and there is no belay.yaml that tells it.");
  return name ?? "";
}

/** `Acme/Shop.Web` is `shop-web`. */
function fromRepository({ GITHUB_REPOSITORY: repository = "" }: Env): string | undefined {
  const name = (repository.split("/").at(-1) ?? "")
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[-_]+|-+$/g, "");
  return hasFormat(name, FORMATS.name) ? name : undefined;
}

interface Asked {
  readonly environment?: string | undefined;
  /** Where belay.yaml is looked for. */
  readonly workingDirectory: string;
}

/** The environment that was asked for, or the only one there is. */
export function resolveEnvironmentName(resolution: Resolution, { environment, workingDirectory }: Asked) {
  const known = resolution.file?.environments ?? [];
  if (environment === undefined) {
    if (known.length === 1) return known[0];
    const choice = known.length === 0 ? "Give its name, such as staging." : `Environments: ${known.join(", ")}.`;
    const where = resolution.file === undefined ? `, and there is no belay.yaml in ${workingDirectory}` : "";
    resolution.refuse("environment", `it is missing${where}. ${choice}`);
    return undefined;
  }
  if (!hasFormat(environment, FORMATS.environment)) {
    resolution.refuse("environment", `it is ${showValue(environment)}. Legal values: ${FORMATS.environment.legal}.`);
    return undefined;
  }
  if (resolution.file === undefined || known.includes(environment)) return environment;
  const hint = known.length === 0 ? "The file has no environments." : suggest(environment, known, "Environments");
  resolution.complain(["environments"], `the environment ${showValue(environment)} is not there. ${hint}`, "key");
  return undefined;
}
