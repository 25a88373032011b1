export type { DesiredService, DesiredStack, KeptFiles, RenderRequest } from "./desired.ts";
export { removeCreated, renderStack } from "./stack/index.ts";
