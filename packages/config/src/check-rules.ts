import { checkImage } from "./check-image.ts";
import { probeProblems } from "./check-probe.ts";
import type { ConfigSource, Path } from "./config-source.ts";
import { pathName } from "./describe-issue.ts";
import { DURATION_RULES, type DurationRule, durationProblem, LONGEST_MS, toMilliseconds } from "./durations.ts";
import { FORMATS } from "./formats.ts";
import { type Problem, suggest } from "./problem.ts";
import type {
  ConfigData,
  EnvironmentData,
  RolloutData,
  ScanData,
  ServiceData,
  ServiceOverrideData,
  SignatureData,
  TargetData,
} from "./schema.ts";

/** Tells of a problem at a place of the data. */
export type Complain = (path: Path, message: string, at?: "key" | "value") => void;

/** Whether nothing at, above or below a place has the wrong shape. */
type Sound = (path: Path) => boolean;

/**
 * The rules between keys, which no shape can say. Parts whose shape is wrong (`broken`) are left out: their rules would
 * only repeat what has been told.
 */
export function checkRules(data: unknown, source: ConfigSource, broken: readonly Path[]): Problem[] {
  const problems: Problem[] = [];
  const complain: Complain = (path, message, at) => problems.push(source.problem(path, message, at));
  const sound: Sound = (path) =>
    !broken.some((bad) => path.every((step, index) => index >= bad.length || bad[index] === step));
  if (!sound(["services"])) return problems;
  const config = data as ConfigData;
  checkServices(config, complain);
  if (sound(["scan"])) checkScan(["scan"], config.scan, complain);
  const all: unknown = config.environments;
  for (const [name, environment] of Object.entries(isMapping(all) ? all : {})) {
    if (isMapping(environment)) checkEnvironment(config, ["environments", name], environment, { complain, sound });
  }
  return problems;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkServices(config: ConfigData, complain: Complain): void {
  const services = Object.entries(config.services);
  if (services.length === 0) complain(["services"], "`services` is empty. Name at least one service with its image.");
  for (const [name, { image, build }] of services) {
    checkBuildSecrets(["services", name, "build", "secrets"], build?.secrets, complain);
    checkAdopted(["services", name, "build"], build, complain);
    if (build !== undefined && lacksImage(build)) {
      const context = pathName(["services", name, "build", "context"]);
      complain(["services", name, "build"], `\`${context}\` is missing. Legal values: ${FORMATS.path.legal}.`, "key");
    }
    if (image.includes("${")) continue;
    const wrong = checkImage(image.replaceAll("{service}", name), build !== undefined);
    if (wrong !== undefined) complain(["services", name, "image"], `\`services.${name}.image\` is ${wrong}`);
  }
}

function checkEnvironment(
  config: ConfigData,
  path: Path,
  environment: EnvironmentData,
  { complain, sound }: { complain: Complain; sound: Sound },
): void {
  const part = (key: string): Path => [...path, key];
  if (sound(part("services"))) checkOverrides(config, part("services"), environment, complain);
  if (sound(part("secrets")) && sound(part("variables"))) checkSecrets(path, environment, complain);
  if (sound(part("target"))) checkTarget(part("target"), environment.target, complain);
  if (sound(part("rollout"))) checkRollout(part("rollout"), environment.rollout, complain);
  if (sound(part("scan"))) checkScan(part("scan"), environment.scan, complain);
  const signature = part("require-signature");
  if (sound(signature)) checkSignature(signature, environment["require-signature"], complain);
  const probes: unknown = environment.health;
  for (const index of Array.isArray(probes) ? probes.keys() : []) {
    const at = [...part("health"), index];
    const probe = environment.health?.[index];
    if (probe === undefined || !sound(at)) continue;
    const found = probeProblems(probe, Object.keys(config.services));
    for (const { key, message } of found) complain([...at, key], message);
  }
}

function checkOverrides(config: ConfigData, path: Path, environment: EnvironmentData, complain: Complain): void {
  const services = Object.keys(config.services);
  for (const [name, override] of Object.entries(environment.services ?? {})) {
    const known = Object.hasOwn(config.services, name) ? config.services[name] : undefined;
    const at = [...path, name];
    checkBuildSecrets([...at, "build", "secrets"], override.build?.secrets, complain);
    checkAdopted([...at, "build"], override.build, complain);
    if (known === undefined) {
      complain(at, `no service is called \`${name}\`. ${suggest(name, services, "Services")}`, "key");
    } else if (override.build !== undefined && known.build === undefined && lacksImage(override.build)) {
      const context = pathName([...at, "build", "context"]);
      complain([...at, "build"], `\`${context}\` is missing: the service has no build of its own.`, "key");
    }
  }
}

type BuildData = NonNullable<ServiceOverrideData["build"]>;

function lacksImage({ context, from, archive }: BuildData): boolean {
  return context === undefined && from === undefined && archive === undefined;
}

function checkAdopted(path: Path, build: BuildData | undefined, complain: Complain): void {
  if (build?.from === undefined || build.archive === undefined) return;
  complain([...path, "archive"], `\`${pathName(path)}\` has both \`from\` and \`archive\`. Keep one of them.`, "key");
}

type BuildSecrets = NonNullable<ServiceData["build"]>["secrets"];

function checkBuildSecrets(path: Path, secrets: BuildSecrets, complain: Complain): void {
  for (const [id, { env, file }] of Object.entries(secrets ?? {})) {
    if ((env === undefined) !== (file === undefined)) continue;
    complain([...path, id], `\`${pathName([...path, id])}\` needs one of \`env\` and \`file\`.`);
  }
}

function checkSecrets(path: Path, environment: EnvironmentData, complain: Complain): void {
  for (const name of Object.keys(environment.secrets ?? {})) {
    if (!Object.hasOwn(environment.variables ?? {}, name)) continue;
    complain([...path, "secrets", name], `\`${name}\` is a variable and a secret at once. Keep one of them.`, "key");
  }
}

function checkTarget(path: Path, target: TargetData | undefined, complain: Complain): void {
  if (target === undefined || target.kind === "kubernetes") return;
  if (target.context === undefined || target.host === undefined) return;
  complain([...path, "host"], `\`${pathName(path)}\` has both \`context\` and \`host\`. Keep one of them.`, "key");
}

function checkScan(path: Path, scan: ScanData | undefined, complain: Complain): void {
  if (scan === undefined || typeof scan === "string") return;
  for (const [key, rule] of Object.entries<DurationRule>(DURATION_RULES.scan)) {
    const value = scan[key as keyof typeof DURATION_RULES.scan];
    const wrong = value === undefined ? undefined : durationProblem(value, rule);
    if (wrong !== undefined) complain([...path, key], `\`${pathName([...path, key])}\` is ${wrong}`);
  }
}

function checkSignature(path: Path, signature: SignatureData | undefined, complain: Complain): void {
  if (signature === undefined) return;
  const { key, identity } = signature;
  if ((key === undefined) === (identity === undefined)) {
    complain(path, `\`${pathName(path)}\` needs one of \`key\` and \`identity\`, and not both.`, "key");
  }
  for (const name of ["issuer", "repository", "trusted-root"] as const) {
    if (key === undefined || signature[name] === undefined) continue;
    complain([...path, name], `\`${name}\` belongs to \`identity\`: a key needs none.`, "key");
  }
}

function checkRollout(path: Path, rollout: RolloutData | undefined, complain: Complain): void {
  if (rollout === undefined) return;
  for (const [key, rule] of Object.entries<DurationRule>(DURATION_RULES.rollout)) {
    const value = rollout[key as keyof typeof DURATION_RULES.rollout];
    const wrong = value === undefined ? undefined : durationProblem(value, rule);
    if (wrong !== undefined) complain([...path, key], `\`${pathName([...path, key])}\` is ${wrong}`);
  }
  const [stable, deadline] = [rollout.stable, rollout.deadline];
  if (stable === undefined || deadline === undefined || toMilliseconds(deadline) > LONGEST_MS) return;
  if (toMilliseconds(stable) < toMilliseconds(deadline)) return;
  const message = `\`stable\` (${stable}) is not shorter than \`deadline\` (${deadline}): no deployment could ever succeed.`;
  complain([...path, "stable"], message);
}
