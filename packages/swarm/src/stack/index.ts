export { removeCreated } from "./remove-created.ts";
export { renderStack } from "./render-stack.ts";
