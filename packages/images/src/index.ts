export { type BuildArguments, buildkitArguments, buildxArguments, legacyArguments } from "./build-arguments.ts";
export { type BuildImagesOptions, buildImages, type ImageEngine } from "./build-images.ts";
export { type Builder, type DockerCli, findBuilder } from "./builder.ts";
export { type BuildWay, chooseWay, describeWay } from "./choose-way.ts";
export { clearLayout } from "./clear-layout.ts";
export { DIRTY_LABEL, imageLabels, type LabelOptions, MERGED_ONTO_LABEL } from "./image-labels.ts";
export { imageTags, semverOf, type TagOptions } from "./image-tags.ts";
export { type ReadSourceOptions, readSource, type SourceEvent } from "./source.ts";
export type { TagEvent } from "./tag-rules/apply-tag-rules.ts";
