import type { Inputs } from "@belay/core";

/** What of the scan may be put beside the images: bills of materials, the reports themselves. */
const ATTACH_KINDS = ["sbom", "scan"] as const;
export type AttachKind = (typeof ATTACH_KINDS)[number];

/**
 * The input `attach`.
 * @throws BelayError INVALID_INPUT
 */
export function loadAttachKinds(inputs: Inputs): AttachKind[] {
  const words = (inputs.text("attach") ?? "sbom").split(/[\s,]+/).filter((word) => word !== "");
  const wrong = words.find((word) => word !== "none" && !ATTACH_KINDS.some((kind) => kind === word));
  if (wrong !== undefined || (words.includes("none") && words.length > 1)) {
    const got = wrong === undefined ? "it names none beside others" : `it names ${JSON.stringify(wrong)}`;
    inputs.refuse("attach", got, `Legal values: ${ATTACH_KINDS.join(", ")}, both, or none.`);
  }
  return ATTACH_KINDS.filter((kind) => words.includes(kind));
}
