export * from "./install-act.ts";
export * from "./run-workflow.ts";
export * from "./stand-ins.ts";
export * from "./throwaway-repository.ts";
export * from "./workflow-run.ts";
