export { orderServices } from "./order-services.ts";
export { removeCreated } from "./remove-created.ts";
export { renderStack } from "./render-stack.ts";
