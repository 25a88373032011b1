import type { TrivyStep } from "./report-schema.ts";

/** What Trivy takes for an instruction, besides what the classic builder and BuildKit mark as theirs. */
const INSTRUCTIONS = ["USER", "HEALTHCHECK", "ENV", "ARG", "ENTRYPOINT"];

/**
 * The steps of an image's history from which Trivy makes the Dockerfile that it looks at: those after the base image, that
 * are instructions (trivy, `pkg/fanal/analyzer/imgconf/dockerfile`, and `GuessBaseImageIndex`: a base ends with its CMD).
 */
export function dockerfileSteps(history: readonly TrivyStep[]): string[] {
  const lastLayer = history.findLastIndex((step) => step.empty_layer !== true);
  const base = history.slice(0, Math.max(0, lastLayer)).findLastIndex((step) => {
    const by = step.created_by ?? "";
    return step.empty_layer === true && (by.startsWith("CMD") || by.startsWith("/bin/sh -c #(nop)  CMD"));
  });
  return history.slice(base + 1).flatMap(({ created_by: by = "" }) => {
    const marked = by.startsWith("/bin/sh -c") || by.endsWith("# buildkit");
    return marked || INSTRUCTIONS.some((name) => by.startsWith(name)) ? [by] : [];
  });
}
