export { orderServices } from "./order-services.ts";
export { removeCreated } from "./remove-created.ts";
export { renderFiles } from "./render-files.ts";
export { renderStack } from "./render-stack.ts";
