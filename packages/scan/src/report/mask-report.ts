import { type Found, isRecord, maskMisconfiguration, maskSecret } from "./mask-found.ts";
import { maskStep, STARS } from "./mask-step.ts";

interface Finding extends Found {
  readonly Layer?: unknown;
}

interface Result {
  readonly Target?: unknown;
  readonly Secrets?: readonly Finding[] | null;
  readonly Misconfigurations?: readonly Finding[] | null;
  readonly Vulnerabilities?: readonly Finding[] | null;
}

/** Of the image's own settings: what else there is may hold anything, and nobody reads it. */
const SETTINGS = ["User", "ExposedPorts", "Volumes", "WorkingDir", "Labels", "StopSignal"];

/**
 * Trivy's JSON report as Belay keeps it and gives it on: without what it copies from the image and its files besides what it
 * found. The image's config has its variables by name only, no command, and a history without values ({@link maskStep});
 * where Trivy found a secret in it, without commands too. Lines around a finding go. Trivy itself masks the secrets that it
 * knows, and no other. All that is read here, and all that Trivy makes other formats of, stays.
 *
 * The same text for what went through here before. What is no report stays as it is: to refuse it is its reader's affair.
 */
export function maskReport(json: string): string {
  let report: unknown;
  try {
    report = JSON.parse(json);
  } catch {
    return json;
  }
  if (!isRecord(report)) return json;
  const { Results: results, ArtifactName: image } = report;
  const inConfig = (one: unknown): boolean => isRecord(one) && isOfConfig(one, image) && some(one.Secrets);
  const commands = isList(results) && results.some(inConfig);
  const masked = {
    ...report,
    ...(isRecord(report.Metadata) ? { Metadata: maskMetadata(report.Metadata, commands) } : {}),
    ...(isList(results)
      ? { Results: results.map((one) => (isRecord(one) ? maskResult(one, image, commands) : one)) }
      : {}),
  };
  return `${JSON.stringify(masked, undefined, 2)}\n`;
}

function maskMetadata(metadata: Readonly<Record<string, unknown>>, commands: boolean): object {
  const { ImageConfig: image } = metadata;
  if (!isRecord(image)) return metadata;
  // Go writes it for images of old engines: the settings of the last step's container.
  const { container_config: _left, config, history, ...rest } = image;
  return {
    ...metadata,
    ImageConfig: {
      ...rest,
      ...(isList(history) ? { history: history.map((step) => maskHistory(step, commands)) } : {}),
      ...(isRecord(config) ? { config: maskConfig(config) } : {}),
    },
  };
}

function maskHistory(step: unknown, commands: boolean): unknown {
  if (!isRecord(step) || typeof step.created_by !== "string") return step;
  return { ...step, created_by: maskStep(step.created_by, commands) };
}

function maskConfig(config: Readonly<Record<string, unknown>>): object {
  const kept = Object.entries(config).filter(([name]) => SETTINGS.includes(name));
  const names = isList(config.Env) ? config.Env.map((one) => `${String(one).split("=", 1)[0]}=${STARS}`) : undefined;
  return { ...Object.fromEntries(kept), ...(names === undefined ? {} : { Env: names }) };
}

/** What is found in the image's config stands under the image's own name. */
function isOfConfig({ Target }: Result, image: unknown): boolean {
  return Target === image;
}

function maskResult(result: Result, image: unknown, commands: boolean): object {
  // Trivy's word of what somebody's files or VEX took out of its report: a finding each, as it would have stood there.
  const { ExperimentalModifiedFindings: _left, ...rest } = result as Result & Readonly<Record<string, unknown>>;
  const each = (kind: "Secrets" | "Misconfigurations" | "Vulnerabilities", mask: (one: Finding) => object) => {
    const findings = result[kind];
    return isList(findings) ? { [kind]: findings.map((one) => (isRecord(one) ? mask(one) : one)) } : {};
  };
  const layer = ({ Layer }: Finding) => {
    if (!isRecord(Layer) || typeof Layer.CreatedBy !== "string") return {};
    return { Layer: { ...Layer, CreatedBy: maskStep(Layer.CreatedBy, commands) } };
  };
  const own = isOfConfig(result, image);
  return {
    ...rest,
    ...each("Vulnerabilities", (one) => ({ ...one, ...layer(one) })),
    ...each("Misconfigurations", (one) => ({ ...maskMisconfiguration(one, commands), ...layer(one) })),
    ...each("Secrets", (one) => ({ ...maskSecret(one, own), ...layer(one) })),
  };
}

function some(findings: unknown): boolean {
  return isList(findings) && findings.length > 0;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
