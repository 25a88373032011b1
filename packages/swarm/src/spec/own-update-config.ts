import { LABELS } from "@belay/core";
import type { ServiceSpec, UpdateConfig } from "@belay/docker";

/**
 * The spec with other update settings for the time being; the user's own are laid aside in a label of the service. A way back
 * that fails ends before it puts them back, and the next deployment would take the present ones for the user's.
 */
export function layAside(spec: ServiceSpec, meanwhile: UpdateConfig): ServiceSpec {
  const Labels = { ...spec.Labels, [LABELS.updateConfig]: JSON.stringify(spec.UpdateConfig ?? null) };
  return { ...spec, Labels, UpdateConfig: meanwhile };
}

/** The spec with the user's own update settings, whatever is in force at the moment. */
export function withOwnUpdateConfig(spec: ServiceSpec): ServiceSpec {
  const { [LABELS.updateConfig]: laidAside, ...Labels } = spec.Labels ?? {};
  if (laidAside === undefined) return spec;
  const { UpdateConfig: present, ...rest } = spec;
  const own = parse(laidAside, present);
  return own == null ? { ...rest, Labels } : { ...rest, Labels, UpdateConfig: own };
}

/** What somebody made of the label by hand says nothing: then the present ones count. */
function parse(text: string, present: UpdateConfig | null | undefined): UpdateConfig | null | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? (value as UpdateConfig | null) : present;
  } catch (error) {
    if (error instanceof SyntaxError) return present;
    throw error;
  }
}
