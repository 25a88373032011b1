import type { TrivyReport } from "./report-schema.ts";

/**
 * The step of an image's history that made each layer, by the layer's diff ID. Trivy itself tells it of secrets only, and of
 * packages no more than the layer (trivy, `pkg/fanal/applier`); how it finds it is done here too (`consolidateCreatedBy` in
 * `pkg/fanal/artifact/image`). Nothing, where the history has another number of layers than the image.
 */
export function layerInstructions({ Metadata }: TrivyReport): ReadonlyMap<string, string> {
  const { history, rootfs } = Metadata.ImageConfig ?? {};
  const made = (history ?? []).filter((step) => step.empty_layer !== true);
  const layers = rootfs?.diff_ids ?? [];
  if (made.length !== layers.length) return new Map();
  return new Map(layers.map((diffId, index) => [diffId, made[index]?.created_by ?? ""]));
}
