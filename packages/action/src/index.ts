export * from "./fail-on.ts";
export * from "./run-action.ts";
export * from "./set-outputs.ts";
