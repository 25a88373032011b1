export * from "./install-actionlint.ts";
export * from "./install-check-jsonschema.ts";
export * from "./install-zizmor.ts";
